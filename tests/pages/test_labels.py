"""Labels on the pages: what numbers were read as, and the form that names them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fer_core.data import open_dataset
from fer_core.emotions import NAMES
from pages.session import data_source, kept_labels
from tests.data.build import ALPHABETICAL, CODES_NOTE, check_names, faces, names_of
from tests.pages import dataset_view, evaluate_view
from tests.pages.conftest import open_page, shown_data
from tests.pages.test_pages import texts

pytestmark = pytest.mark.long


def test_every_page_says_what_numbers_were_read_as(folders: Path, voted: Path) -> None:
    words = CODES_NOTE.removeprefix("Labels read as ").removesuffix(".")
    assert words in dataset_view.texts(dataset_view.view("Overview", voted))
    assert words in dataset_view.texts(evaluate_view.view("Matrix", voted))
    assert words in texts(open_page("train", data_source=str(voted)))
    assert words not in dataset_view.texts(dataset_view.view("Overview", "synthetic:100"))


IMAGES, FER_CODES = faces(42)
CODES = np.array([ALPHABETICAL.index(name) for name in names_of(FER_CODES)])


@pytest.fixture
def source(folders: Path) -> Path:
    """Faces whose numbers are in alphabetical order, in the data folder."""
    (folders / "data").mkdir()
    np.savez(folders / "data" / "faces.npz", images=IMAGES, labels=CODES)
    return folders / "data" / "faces.npz"


def test_the_form_names_the_numbers_and_the_source_keeps_the_names(source: Path) -> None:
    app = dataset_view.view("Overview", source, labels_form=True)
    assert data_source.display_name(str(source)) == "faces.npz"
    boxes = [box for box in app.selectbox if box.key.startswith("labels_")]
    assert [(box.label, box.value) for box in boxes] == [(f"{i}: 6 faces", NAMES[i]) for i in range(7)]
    app.button_group(key="labels_order").set_value("alphabetical").run()
    boxes = [box for box in app.selectbox if box.key.startswith("labels_")]
    assert [box.value for box in boxes] == ALPHABETICAL
    app.button(key="labels_use").click().run()
    assert not app.exception and not app.error
    chosen = app.session_state["data_source"]
    assert chosen == f"{source}?classes=alphabetical"
    check_names(open_dataset(chosen), 42)
    assert "Labels read in the chosen order: 0 angry" in dataset_view.texts(app)
    assert app.query_params["source"] == "faces.npz?classes=alphabetical"

    again = dataset_view.view("Overview", "synthetic", address={"source": "faces.npz"})
    assert again.session_state["data_source"] == chosen, "kept for the source"
    other = {"source": "faces.npz?classes=affectnet"}
    linked = dataset_view.view("Overview", "synthetic", address=other)
    assert linked.session_state["data_source"] == f"{source}?classes=affectnet", "a link goes before"

    app.session_state["labels_form"] = True
    app.run()
    app.button(key="labels_forget").click().run()
    assert app.session_state["data_source"] == str(source) == kept_labels.source(str(source))


def test_names_are_typed(source: Path) -> None:
    app = dataset_view.view("Overview", source, labels_form=True)
    boxes = {int(box.label.split(":")[0]): box for box in app.selectbox if box.key.startswith("labels_")}
    boxes[4].set_value("neutral")
    boxes[6].set_value("surprise").run()
    boxes = {int(box.label.split(":")[0]): box for box in app.selectbox if box.key.startswith("labels_")}
    boxes[5].set_value("sad").run()
    app.button(key="labels_use").click().run()
    assert app.session_state["data_source"] == f"{source}?classes=alphabetical"


def test_the_form_is_not_shown_where_labels_have_names(folders: Path) -> None:
    app = dataset_view.view("Overview", "synthetic:100", labels_form=True)
    assert not [box for box in app.selectbox if box.key.startswith("labels_")]


def test_an_order_is_chosen_with_the_path(source: Path) -> None:
    app = dataset_view.view("Overview", "synthetic:100", source_way="Data folder")
    app.selectbox(key="source_path").set_value("faces.npz")
    app.selectbox(key="source_path_order").set_value("alphabetical").run()
    app.button(key="source_use_path").click().run()
    assert app.session_state["data_source"] == f"{source}?classes=alphabetical"


def test_a_run_set_up_on_the_page_keeps_the_order(source: Path) -> None:
    chosen = f"{source}?classes=alphabetical"
    app = open_page("train", data_source=chosen)
    assert not app.exception
    assert shown_data(app) == "faces.npz (labels: alphabetical)"


def test_labels_that_look_permuted_are_offered_their_order(
    folders: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pq.read_table(shared / "data" / "fer2013.parquet").slice(30_000, 300).to_pylist()
    faces_of = [np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])).convert("L")) for row in rows]
    (folders / "data").mkdir()
    path = folders / "data" / "kaggle.npz"
    order = np.array([ALPHABETICAL.index(name) for name in NAMES])
    np.savez(path, images=np.stack(faces_of), labels=order[[row["emotion"] for row in rows]])
    for app in (
        open_page("train", data_source=str(path)),
        evaluate_view.view("Matrix", path),
        dataset_view.view("Overview", path),
    ):
        (warning,) = (warning.value for warning in app.warning if "permuted" in warning.value)
        assert "(the order alphabetical)" in warning
    app.button(key="data_notes_permuted").click().run()
    assert app.session_state["data_source"] == f"{path}?classes=alphabetical" == kept_labels.source(str(path))
    assert not any("permuted" in warning.value for warning in app.warning) and not app.exception


def test_damaged_kept_names_are_passed_over(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = source.parent / "uploads" / ".label-options.json"
    file.parent.mkdir()
    for text in (
        "",
        "[]",
        "[" * 10_000,
        f'{{"{source}": {{"classes": "x"}}}}',
        f'{{"{source}": {{"a": 1}}}}',
    ):
        file.write_text(text)
        assert kept_labels.source(str(source)) == str(source)


def test_other_classes_are_mapped_or_left_out_by_the_form(folders: Path) -> None:
    labels = names_of(FER_CODES)
    labels[0], labels[7], labels[14] = "contempt", "bored", "contempt"
    (folders / "data").mkdir()
    path = folders / "data" / "faces.npz"
    np.savez(path, images=IMAGES, labels=np.array(labels))
    app = dataset_view.view("Overview", path, labels_form=True)
    boxes = {box.label: box for box in app.selectbox if box.key.startswith("labels_")}
    assert {label: box.value for label, box in boxes.items()} == {
        "Images labelled contempt": "leave out",
        "Images labelled bored": "leave out",
    }
    boxes["Images labelled contempt"].set_value("angry").run()
    app.button(key="labels_use").click().run()
    assert app.session_state["data_source"] == f"{path}?map=contempt=angry&leave-out=bored"
    boxes = {box.label: box for box in app.selectbox if box.key.startswith("labels_")}
    assert [box.value for box in boxes.values()] == ["angry", "leave out"]
    assert "faces.npz (mapped: contempt=angry; without: bored)" in dataset_view.texts(app)
    app.button(key="labels_use").click().run()
    assert app.session_state["data_source"] == f"{path}?map=contempt=angry&leave-out=bored"
