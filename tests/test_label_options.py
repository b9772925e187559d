"""Orders of labels that are numbers: in the source, from the shell, in runs and links."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_core import label_orders
from fer_core.cli import main
from fer_core.data import open_dataset
from fer_core.data.label_examples import label_examples
from fer_core.data.recipe import Recipe, save_recipe
from fer_core.data.votes import find_votes
from fer_core.emotions import NAMES
from fer_core.errors import DataError
from fer_core.label_options import LabelOptions, join_source, map_location, split_source
from fer_core.label_orders import ORDERS, as_text, find_order, names_of
from fer_core.runs.command import train_command
from fer_core.runs.run_folder import RunFolder
from fer_core.scale.sources import open_source
from tests.data.build import CODES, check_names, faces, png, refused, write_folders, write_parquet
from tests.data.build import names_of as class_names

# Written out here, so that the tests do not take them from what they test.
DOCUMENTED = {
    "fer2013": "angry disgust fear happy sad surprise neutral",
    "alphabetical": "angry disgust fear happy neutral sad surprise",
    "affectnet": "neutral happy sad surprise fear disgust angry contempt",
    "raf-db": "- surprise fear disgust happy sad angry neutral",
    "ferplus": "neutral happy surprise sad angry disgust fear contempt",
    "ckplus": "neutral angry contempt disgust fear happy sad surprise",
    "expw": "angry disgust fear happy sad surprise neutral",
    "ravdess": "- neutral calm happy sad angry fear disgust surprise",
}
IMAGES, FER_CODES = faces(42)


def numbered(order: str) -> np.ndarray:
    """The numbers (42,) of IMAGES in an order."""
    words = DOCUMENTED[order].split()
    return np.array([words.index(name) for name in class_names(FER_CODES)])


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    np.savez(tmp_path / "faces.npz", images=IMAGES, labels=numbered("alphabetical"))
    return tmp_path / "faces.npz"


@pytest.mark.parametrize("order", DOCUMENTED)
def test_each_known_order_gives_the_right_label_to_every_image(order: str, tmp_path: Path) -> None:
    assert " ".join(ORDERS[order]) == DOCUMENTED[order]
    np.savez(tmp_path / "faces.npz", images=IMAGES, labels=numbered(order))
    written_out = ",".join(DOCUMENTED[order].split())
    for classes in (order, order.upper(), written_out):
        dataset = open_dataset(f"{tmp_path / 'faces.npz'}?classes={classes}")
        check_names(dataset, 42)
        (note,) = (note for note in dataset.warnings if note.startswith("Labels "))
        assert note.startswith("Labels read in the chosen order: ")
    assert set(ORDERS) == set(DOCUMENTED) == set(label_orders.TITLES)


def test_orders_hold_for_every_form(npz: Path, tmp_path: Path) -> None:
    codes = numbered("alphabetical")
    write_parquet(tmp_path / "a.parquet", [png(image) for image in IMAGES], label=codes)
    write_folders(tmp_path / "b", IMAGES, [str(code) for code in codes])
    np.savez(tmp_path / "c.npz", images=IMAGES, labels=np.eye(7)[codes])
    np.savez(tmp_path / "d.npz", images=IMAGES, labels=codes, class_names=np.array(CODES))  # wrong names
    for name in ("a.parquet", "b", "c.npz", "d.npz"):
        check_names(open_dataset(f"{tmp_path / name}?classes=alphabetical"), 42)
    np.savez(tmp_path / "e.npz", images=IMAGES, labels=np.eye(8)[numbered("affectnet")])
    check_names(open_dataset(f"{tmp_path / 'e.npz'}?classes=affectnet"), 42)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("alphabetic", ["alphabetical", "raf-db", "happy,sad"]),
        ("happy", ["Unknown order"]),
        ("happy,cat", ["fewer than two"]),
        ("happy,,sad", ["no usable name for 1"]),
        ("happy,sad," + "x" * 41, ["no usable name for 2"]),
    ],
)
def test_an_order_that_cannot_be_used_is_refused(classes: str, words: list[str], npz: Path) -> None:
    refused(f"{npz}?classes={classes}", *words)


def test_a_number_outside_the_chosen_order_is_no_class(npz: Path) -> None:
    refused(f"{npz}?classes=happy,sad,-,fear", "Unknown label 2", "0 happy, 1 sad, 3 fear", "chosen order")


def test_drawn_faces_and_variants_take_no_order(npz: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names of its classes already"):
        join_source("synthetic:70", LabelOptions("alphabetical"))
    fingerprint = open_dataset(f"{npz}?classes=alphabetical").fingerprint
    path = save_recipe(Recipe(f"{npz}?classes=alphabetical", fingerprint, {0: "copy"}), tmp_path, "clean")
    check_names(open_dataset(path), 41)
    refused(f"{path}?classes=alphabetical", "of its original")


def test_sources_are_split_and_joined(tmp_path: Path) -> None:
    options = LabelOptions("-,happy,sad,fear & so on,ä/ü")
    source = join_source("a?b/faces.npz", LabelOptions("-,happy,sad,ä/ü"))
    assert source.count("/") == 1
    assert split_source(source) == ("a?b/faces.npz", LabelOptions("-,happy,sad,ä/ü"))
    assert split_source(join_source("x", options)) == ("x", options)
    assert map_location(source, lambda path: Path(path).name) == source.removeprefix("a?b/")
    twice, drawn = "a?classes=x&classes=y", "synthetic:7?classes=x"
    for plain in ("faces.npz", "faces.npz?", "faces.npz?size=1", twice, drawn):
        assert split_source(plain) == (plain, LabelOptions())
    literal = tmp_path / "odd?classes=fer2013"
    literal.mkdir()
    assert split_source(str(literal)) == (str(literal), LabelOptions())


def test_orders_are_named_again() -> None:
    assert find_order(names_of(",".join(sorted(NAMES)))) == "alphabetical"
    assert as_text({0: "happy", 2: "sad", 3: "-"}) == "happy,-,sad"
    assert as_text(names_of("raf-db")) == "raf-db" and as_text(names_of("affectnet")) == "affectnet"
    for bad in ({0: "a,b", 1: "sad"}, {0: "happy"}, {}):
        with pytest.raises(DataError):
            as_text(bad)


def test_the_order_of_a_source_changes_its_fingerprint_and_is_cached_apart(npz: Path, monkeypatch) -> None:
    monkeypatch.setattr("fer_core.data.cache._MIN_IMAGES", 0)
    plain, right = open_dataset(npz), open_dataset(f"{npz}?classes=alphabetical")
    assert plain.fingerprint != right.fingerprint == open_dataset(f"{npz}?classes=alphabetical").fingerprint
    check_names(open_dataset(f"{npz}?classes=alphabetical"), 42)
    assert open_dataset(npz).fingerprint == plain.fingerprint


def test_votes_lie_beside_a_source_with_an_order(voted: Path) -> None:
    assert find_votes(f"{voted}?classes=alphabetical") == find_votes(str(voted)) is not None


def test_faces_of_each_number(npz: Path, tmp_path: Path) -> None:
    examples = label_examples(str(npz))
    assert list(examples) == list(range(7)) and {example.count for example in examples.values()} == {6}
    codes = numbered("alphabetical")
    for code, example in examples.items():
        members = IMAGES[codes == code]
        assert example.images.shape == (4, 48, 48) and (example.images[[0, -1]] == members[[0, -1]]).all()
    write_folders(tmp_path / "named", IMAGES, class_names(FER_CODES))
    with pytest.raises(DataError, match="no labels that are numbers"):
        label_examples(str(tmp_path / "named"))
    with pytest.raises(DataError, match="cannot be read"):
        label_examples(str(tmp_path / "absent"))


# --- the shell


def test_data_takes_an_order(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", str(npz), "--classes", "alphabetical", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["source"] == f"{npz}?classes=alphabetical"
    assert result["fingerprint"] == open_dataset(result["source"]).fingerprint
    assert main(["data", f"{npz}?classes=alphabetical", "--classes", "fer2013"]) == 1
    assert "options of its labels already" in capsys.readouterr().err
    assert main(["data", str(npz), "--classes", "nonsense"]) == 1
    assert "Unknown order of classes 'nonsense'" in capsys.readouterr().err


def test_data_maps_and_leaves_out(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--map", "1=angry", "--map", "2=angry", "--leave-out", "3", "--leave-out", "neutral"]
    assert main(["data", str(npz), *options, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["source"] == f"{npz}?map=1=angry,2=angry&leave-out=3,neutral"
    counts = result["splits"]["train"] | {}
    assert counts["angry"] + result["splits"].get("validation", {}).get("angry", 0) == 18
    assert result["count"] == 30 and counts["happy"] == counts["neutral"] == 0
    assert main(["data", str(npz), "--map", "1=bored"]) == 1
    assert "expected WORD=CLASS" in capsys.readouterr().err


@pytest.mark.long
def test_evaluate_scores_against_the_chosen_order(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "--model", "tiny", "--data", str(npz), "--split", "train", "--json"]
    assert main([*command, "--classes", "alphabetical"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["fingerprint"] == open_dataset(f"{npz}?classes=alphabetical").fingerprint
    assert any(note.startswith("Labels read in the chosen order: ") for note in result["notes"])


def test_a_run_keeps_the_order(npz: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("fer_core.runs.train.train", lambda run, on_progress, finish=False: "stopped")
    command = ["train", "--data", str(npz), "--classes", "alphabetical", "--preset", "tiny"]
    assert main([*command, "--run-dir", str(tmp_path / "run")]) == 0
    run = RunFolder(tmp_path / "run")
    assert run.config().data.source == f"{npz}?classes=alphabetical"
    again = train_command(run.config(), run.config().data.source)
    assert "--data 'faces.npz?classes=alphabetical'" in again
    assert main([*command, "--resume", str(tmp_path / "run")]) == 0
    assert main([*command[:4], "fer2013", "--resume", str(tmp_path / "run")]) == 1
    assert "leave --data out" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["train", "--classes", "alphabetical"])


def test_scoring_of_tables_knows_the_order(tmp_path: Path) -> None:
    blobs = [png(image) for image in IMAGES]
    path = write_parquet(tmp_path / "faces.parquet", blobs, label=numbered("alphabetical"))
    right = class_names(FER_CODES)
    assert open_source(str(path)).read(0, 42).truth != right
    assert open_source(f"{path}?classes=alphabetical").read(0, 42).truth == right
    (tmp_path / "classes.txt").write_text("\n".join(DOCUMENTED["alphabetical"].split()))
    assert open_source(str(path)).read(0, 42).truth == right
