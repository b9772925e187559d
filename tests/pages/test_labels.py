"""Labels on the pages: what numbers were read as."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.build import CODES_NOTE
from tests.pages import dataset_view, evaluate_view
from tests.pages.conftest import open_page
from tests.pages.test_pages import texts

pytestmark = pytest.mark.long


def test_every_page_says_what_numbers_were_read_as(folders: Path, voted: Path) -> None:
    words = CODES_NOTE.removeprefix("Labels read as ").removesuffix(".")
    assert words in dataset_view.texts(dataset_view.view("Overview", voted))
    assert words in dataset_view.texts(evaluate_view.view("Matrix", voted))
    assert words in texts(open_page("train", data_source=str(voted)))
    assert words not in dataset_view.texts(dataset_view.view("Overview", "synthetic:100"))
