"""Tags: put on faces in Evaluate, filtered on Dataset, exported, removed."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.quality.tags import Tags
from pages.views.evaluate import downloads
from tests.pages import dataset_view, evaluate_view
from tests.pages.dataset_view import run, shown, texts

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("own_home")]

SOURCE = "synthetic:350:21"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(SOURCE)


def selected(app, key: str, indices: list[int]) -> None:
    """The page after these faces of a grid were clicked."""
    app.session_state[key] = {"chosen": indices}
    run(app)


def test_selected_faces_of_a_cell_are_tagged_and_found_in_the_gallery(folders: Path, data: Dataset) -> None:
    app = evaluate_view.view("Matrix", SOURCE, {"cell": "fear-*"})
    run(app.toggle(key="evaluate_faces_selecting").set_value(True))
    one, two, other = (face["id"] for face in evaluate_view.faces(app)[:3])
    assert app.button(key="evaluate_faces_add_tags").disabled
    selected(app, "evaluate_faces_grid_1", [one, two])
    run(app.multiselect(key="evaluate_faces_tags_1").set_value(["glasses", "*odd*"]))
    run(app.button(key="evaluate_faces_add_tags").click())
    assert Tags(data).all() == {i: ("*odd*", "glasses") for i in (one, two)}
    notes = {face["id"]: face["notes"][-1] for face in evaluate_view.faces(app)}
    assert notes[one] == notes[two] == "🏷 *odd*, glasses" and "🏷" not in notes[other]

    selected(app, "evaluate_faces_grid_2", [one])
    run(app.multiselect(key="evaluate_faces_tags_2").set_value(["glasses"]))
    run(app.button(key="evaluate_faces_remove_tags").click())
    assert Tags(data).all()[one] == ("*odd*",)

    app.session_state["dataset_view"] = "Gallery"
    app.switch_page("pages/dataset.py").run()
    run(app.pills(key="dataset_tags").set_value(["glasses"]))
    assert shown(app) == [two] and "1 of 1 face: tagged glasses" in texts(app)
    run(app.pills(key="dataset_tags").set_value(["glasses", "*odd*"]))
    assert shown(app) == sorted([one, two]) and r"tagged glasses or \*odd\*" in texts(app)
    linked = dataset_view.view("Gallery", SOURCE, {"dataset_tags": ["glasses"]})
    assert shown(linked) == [two]


def test_one_face_is_tagged_where_it_is_open(folders: Path, data: Dataset) -> None:
    Tags(data).add([0], "blurred")
    app = dataset_view.view("Gallery", SOURCE, {"face": "0"})
    (box,) = app.multiselect
    assert box.value == ["blurred"]
    run(box.set_value(["glasses"]))
    assert Tags(data).all() == {0: ("glasses",)}
    (box,) = app.multiselect
    run(box.set_value(["glasses", "a, b"]))
    assert "without commas" in texts(app) and Tags(data).all() == {0: ("glasses",)}
    assert app.multiselect[0].value == ["glasses"], "what was not stored is not shown"


def test_a_link_to_a_tag_that_is_gone_shows_all_faces(folders: Path, data: Dataset) -> None:
    Tags(data).add([0], "blurred")
    app = dataset_view.view("Gallery", SOURCE, {"dataset_tags": "glasses"})
    assert not app.exception and len(shown(app)) == 60


def test_predictions_have_a_column_of_tags(folders: Path, data: Dataset) -> None:
    position = int(data.indices("validation")[3])
    Tags(data).add([position], "=1+1")
    Tags(data).add([position], "blurred")
    record = SimpleNamespace(record=_record(data), data=data, indices=data.indices("validation"))
    table = pd.read_csv(io.StringIO(downloads._predictions(record)))
    tags = table.set_index("row")["tags"].dropna()
    assert tags.to_dict() == {int(data.rows[position]): "'=1+1; blurred"}


def _record(data: Dataset):
    from fer_core.bundles.bundle import find_bundle
    from fer_core.evaluation.scoring import score

    return score(find_bundle("tiny"), data, "validation", save=False).record


def test_tags_take_no_more_than_a_visitors_space(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_core.errors import TrainingError
    from pages.session import visitor

    def full(home: Path, more: int) -> None:
        raise TrainingError("No room for more.")

    monkeypatch.setattr(visitor, "check_space", lambda more: full(folders, more))
    app = dataset_view.view("Gallery", SOURCE, {"face": "0"})
    run(app.multiselect[0].set_value(["glasses"]))
    assert "No room for more" in texts(app) and not Tags(open_dataset(SOURCE)).all()
