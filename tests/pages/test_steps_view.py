"""The view "Step by step" of Models: every step has its figure and its matrix."""

from __future__ import annotations

import numpy as np
import pytest

from pages.views.models import steps
from tests.pages.conftest import open_page

pytestmark = pytest.mark.long


def test_each_step_has_the_figures_and_the_matrix_of_its_card() -> None:
    found = steps.read_steps()
    assert found[0].name == "baseline-deep" and found[-1].name == "best"
    for step in found:
        assert step.matrix.sum() == step.figures["count"]
        assert step.accuracy == pytest.approx(np.trace(step.matrix) / step.matrix.sum())
    page = open_page("models", models_view="Step by step")
    assert not page.exception
    assert any("From 57% to 7" in heading.value for heading in page.subheader)
    page.selectbox(key="models_step").set_value("baseline-deep").run()
    assert not page.exception
    assert any("`baseline-deep`" in caption.value for caption in page.caption)
