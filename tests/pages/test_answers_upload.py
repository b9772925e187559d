"""Evaluate > Compare: answers from elsewhere are uploaded and compared with a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import find_bundle
from fer_core.data import open_dataset
from fer_core.emotions import NAMES
from fer_core.evaluation.comparison import compare_records
from fer_core.evaluation.predictions import as_record, parse_predictions
from fer_core.evaluation.scoring import score
from tests.data.build import csv_text
from tests.pages.dataset_view import texts
from tests.pages.evaluate_view import view

pytestmark = pytest.mark.long

SOURCE = "synthetic:350:21"


def test_uploaded_answers_are_compared_with_the_model(folders: Path) -> None:
    data = open_dataset(SOURCE)
    standard = score(find_bundle("standard"), data, "validation", save=False).record
    rows = standard.rows[::2]
    answers = [NAMES[i] for i in standard.predicted[::2]]
    answers[:6] = ["disgust"] * 6
    content = csv_text({"row": rows, "prediction": answers}).encode()
    app = view("Compare", SOURCE)
    app.file_uploader(key="evaluate_answers_upload").upload("a_person.csv", content).run()
    assert not app.exception and not app.error
    theirs = as_record(parse_predictions("a_person.csv", content, data, "validation"), data, "validation")
    mine = standard.only(np.isin(standard.rows, rows))
    found = compare_records(mine, theirs, 2)
    assert f"{len(rows)} of the 35 validation images have an answer" in texts(app)
    assert found.sentence("standard", "a_person").split(",")[0] in texts(app).replace("\\", "")
    (table,) = (frame.value for frame in app.dataframe if "McNemar" in frame.value)
    assert list(table["Model"])[:2] == ["standard", "a_person"] and len(table) == 3

    app.file_uploader(key="evaluate_answers_upload").upload("bad.csv", b"a,b\n1,2\n").run()
    assert "has the columns a, b" in app.error[0].value and not app.exception
