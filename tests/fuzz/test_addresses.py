"""A page opens and explains itself in words for every address and every upload."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT

pytestmark = pytest.mark.long

INPUTS = int(os.environ.get("FER_FUZZ_INPUTS", "60"))
_VIEWS = {
    "dataset": (
        "dataset_view",
        ["Overview", "Gallery", "Votes", "Copies", "Label issues", "Map", "Verdicts"],
        [
            "source",
            "face",
            "dataset_page",
            "dataset_after",
            "dataset_before",
            "dataset_agreement",
            "dataset_classes",
            "dataset_split",
            "dataset_sort",
            "dataset_majority",
            "dataset_model_right",
            "dataset_predicted",
            "dataset_verdicts",
            "dataset_groups",
            "dataset_copies_kind",
            "dataset_model",
        ],
    ),
    "train": (
        "train_view",
        ["Set up", "Watch", "Runs", "Sweeps", "Your faces", "Repeat the README"],
        [
            "source",
            "train_run",
            "model",
            "train_preset",
            "train_epochs_quick",
            "builder_quick",
            "readme_preset",
        ],
    ),
    "evaluate": (
        "evaluate_view",
        ["Matrix", "Classes", "Trust", "Compare", "People", "Slices", "What if", "Robustness"],
        [
            "source",
            "model",
            "face",
            "cell",
            "split",
            "evaluate_on",
            "evaluate_cells",
            "unsure_below",
            "robustness_images",
            "robustness_level",
        ],
    ),
    "models": ("models_view", ["All", "One"], ["model"]),
    "predict": ("predict_way", ["Upload"], ["source", "model", "predict_model", "unsure_below"]),
}
_NASTY = [
    "",
    "-1",
    "0",
    "1",
    "99999999999999999999",
    "1e400",
    "nan",
    "inf",
    "../../etc/passwd",
    "/etc/passwd",
    "~nobody/x",
    "standard",
    "tiny",
    "test",
    "sad-fear",
    "a-b-c",
    "happy",
    "*",
    "%00",
    "\0",
    "\ud7ff",
    "<script>alert(1)</script>",
    "'; DROP TABLE verdicts; --",
    "synthetic:70",
    "synthetic:99999999999",
    "kaggle:",
    "file:///etc/passwd",
    "None",
    "[]",
    "{}",
    "true",
    "x" * 5000,
]
_VALUES = st.one_of(st.sampled_from(_NASTY), st.text(max_size=20))


@pytest.mark.parametrize("page", _VIEWS)
def test_any_address_opens(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "data"))
    view, views, names = _VIEWS[page]
    parameters = st.dictionaries(st.sampled_from(names), _VALUES, min_size=1, max_size=5)

    @settings(
        max_examples=max(6, INPUTS // 10),
        deadline=None,
        database=None,
        derandomize=INPUTS <= 100,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(st.one_of(st.sampled_from(views), _VALUES), parameters)
    def tried(chosen: str, given_parameters: dict[str, str]) -> None:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        for name, value in {view: chosen, **given_parameters}.items():
            app.query_params[name] = value
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, [error.value for error in app.exception]
        assert app.title
        assert all("Traceback" not in error.value for error in app.error)

    tried()
