"""Labels that look permuted: found where they are, never where the names are right."""

from __future__ import annotations

import dataclasses
import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fer_core.bundles import bundle as bundles
from fer_core.bundles.bundle import find_bundle
from fer_core.cli import main
from fer_core.data import Dataset, open_dataset
from fer_core.emotions import NAMES
from fer_core.evaluation import record
from fer_core.evaluation.record import EvaluationRecord
from fer_core.metrics.classification import confusion
from fer_core.quality import label_permutation
from fer_core.quality.label_permutation import better_names, find_permutation

ALPHABETICAL = sorted(NAMES)


@pytest.fixture(scope="module", params=["tiny", "standard"])
def answers(request: pytest.FixtureRequest) -> EvaluationRecord:
    """What a shipped model answered on FER2013's validation and test images, which are not needed."""
    first, *_ = [r for r in record.stored(find_bundle(request.param)) if r.tta == "none"]
    assert first.labels == NAMES and len(first) > 3000
    return first


def test_never_on_the_right_order(answers: EvaluationRecord) -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        some = random.choice(len(answers), 200, replace=False)
        assert better_names(confusion(answers.true[some], answers.predicted[some], 7)) is None
    for skewed in range(7):  # few images of one class, or many
        weights = np.where(answers.true == skewed, 10.0, 1.0)
        for chances in (weights, 1 / weights):
            some = random.choice(len(answers), 200, p=chances / chances.sum())
            assert better_names(confusion(answers.true[some], answers.predicted[some], 7)) is None


def test_alphabetical_codes_are_found_in_every_subset(answers: EvaluationRecord) -> None:
    wrong = np.array([ALPHABETICAL.index(name) for name in NAMES])[answers.true]
    random = np.random.default_rng(0)
    for _ in range(200):
        some = random.choice(len(answers), 200, replace=False)
        better = better_names(confusion(wrong[some], answers.predicted[some], 7))
        assert better is not None
        assert {NAMES[i]: NAMES[j] for i, j in enumerate(better) if i != j} == {
            "sad": "neutral",
            "surprise": "sad",
            "neutral": "surprise",
        }


def test_other_orders_are_found(answers: EvaluationRecord) -> None:
    orders = list(permutations(range(7)))
    for order in [orders[i] for i in np.random.default_rng(1).integers(100, len(orders), 100)]:
        matrix = confusion(np.array(order)[answers.true], answers.predicted, 7)
        better = better_names(matrix)
        moved = np.mean(np.array(order)[answers.true] != answers.true)
        assert better is not None or moved < 0.5
        if better is not None:
            assert all(better[order[i]] == i for i in range(7))


def test_a_model_that_sees_nothing_tells_nothing() -> None:
    matrix = np.zeros((7, 7), np.int64)
    matrix[:, 6] = [20, 20, 20, 300, 20, 20, 20]  # all images are called neutral, most are happy
    assert better_names(matrix) is None
    assert better_names(np.eye(7, dtype=np.int64)[[1, 0, 2, 3, 4, 5, 6]] * 10) is None, "too few images"
    assert better_names(np.eye(7, dtype=np.int64)[[1, 0, 2, 3, 4, 5, 6]] * 20) is not None


# --- on images


@pytest.fixture(scope="module")
def fer2013(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """400 images of FER2013 and their codes."""
    import io

    from PIL import Image

    rows = pq.read_table(shared / "data" / "fer2013.parquet").slice(30_000, 400).to_pylist()
    images = [np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])).convert("L")) for row in rows]
    return np.stack(images), np.array([row["emotion"] for row in rows])


@pytest.fixture
def right(fer2013: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> Path:
    np.savez(tmp_path / "right.npz", images=fer2013[0], labels=fer2013[1])
    return tmp_path / "right.npz"


@pytest.fixture
def wrong(fer2013: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> Path:
    """The same with the numbers of alphabetical class folders."""
    codes = np.array([ALPHABETICAL.index(name) for name in NAMES])[fer2013[1]]
    np.savez(tmp_path / "wrong.npz", images=fer2013[0], labels=codes)
    return tmp_path / "wrong.npz"


def test_numbers_get_their_order(right: Path, wrong: Path) -> None:
    found = find_permutation(open_dataset(wrong))
    assert found is not None and found.order == "alphabetical"
    assert found.source == f"{wrong}?classes=alphabetical" and found.images == 400
    assert found.accuracy < 0.5 < 0.6 < found.accuracy_then
    assert "sad called neutral" in found.sentence() and found.advice().endswith(f"Try {found.source}.")
    mended = open_dataset(found.source)
    assert find_permutation(mended) is None and find_permutation(open_dataset(right)) is None
    assert mended.fingerprint == open_dataset(right).fingerprint
    again = find_permutation(open_dataset(f"{right}?classes=alphabetical&leave-out=disgust"))
    assert again is not None and again.source == f"{right}?classes=fer2013&leave-out=disgust"


def test_names_get_a_mapping(fer2013: tuple[np.ndarray, np.ndarray], right: Path, tmp_path: Path) -> None:
    images, codes = fer2013
    names = [NAMES[ALPHABETICAL.index(NAMES[code])] for code in codes]
    np.savez(tmp_path / "named.npz", images=images, labels=np.array(names))
    found = find_permutation(open_dataset(tmp_path / "named.npz"))
    assert found is not None and found.order is None and found.source is not None
    assert open_dataset(found.source).fingerprint == open_dataset(right).fingerprint


def test_nothing_is_looked_for_without_a_model_or_in_drawn_faces(
    wrong: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_dataset(wrong)
    assert find_permutation(dataclasses.replace(data, source="synthetic:400")) is None
    assert find_permutation(_first(data, 99)) is None, "too few"
    monkeypatch.setattr(bundles, "MODELS_DIR", tmp_path / "none")
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "none"))
    assert find_permutation(data) is None


def _first(data: Dataset, count: int) -> Dataset:
    names = ("images", "labels", "splits", "rows", "digests")
    return dataclasses.replace(data, **{name: getattr(data, name)[:count] for name in names})


@pytest.mark.parametrize("command", [["data"], ["evaluate", "--model", "tiny", "--split", "train", "--data"]])
def test_commands_say_it(command: list[str], wrong: Path, right: Path, capsys) -> None:
    assert main([*command, str(wrong)]) == 0
    output = "".join(capsys.readouterr())
    assert output.count("note: Labels look permuted: tiny is right on ") == 1
    assert f"Try {wrong}?classes=alphabetical." in output
    assert main([*command, str(right)]) == 0
    assert "permuted" not in "".join(capsys.readouterr())
    assert main([*command, str(wrong), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    found = answer["looks_permuted"]["order"] if command == ["data"] else "".join(answer["notes"])
    assert "alphabetical" in found


def test_train_says_it(wrong: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("fer_core.runs.train.train", lambda run, on_progress, finish=False: "stopped")
    command = ["train", "--data", str(wrong), "--preset", "tiny", "--run-dir", str(tmp_path / "run")]
    assert main(command) == 0
    assert "note: Labels look permuted" in capsys.readouterr().err


def test_the_bounds_are_those_of_the_issue() -> None:
    assert label_permutation.MIN_GAIN == 0.15 and label_permutation.MIN_IMAGES <= 200
