"""What is written by batch and by epoch to be looked at, also after a run was interrupted."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import open_dataset
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.train import train
from fer_core.training.logs import read_batches
from fer_core.training.snapshots import read_snapshots

from .. import tiny

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def trained(voted: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run of three epochs that was stopped in its third one and went on."""
    made = RunFolder(tmp_path_factory.mktemp("runs") / "run")
    made.create(tiny.settings(voted, epochs=3, batch_size=16))
    with pytest.MonkeyPatch.context() as patch:
        tiny.leave_out_bundles(patch)
        train(made, lambda p: made.request_stop() if p["epoch"] == 3 and p.get("batch") == 4 else None)
        assert len(made.history()) == 2 and made.status()["state"] == "stopped"
        train(made)
    return made


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the run, which a test may damage."""
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))


def test_there_is_a_row_for_each_batch_once(run: RunFolder) -> None:
    rows = read_batches(run.batches, whole=True)
    batches = -(-168 // 16)
    assert len(rows) == 3 * batches
    assert np.allclose(rows[:, 0], np.arange(1, 3 * batches + 1) / batches, atol=1e-4)
    sizes = np.array([16] * (batches - 1) + [168 - 16 * (batches - 1)])
    for epoch, row in enumerate(run.history()):
        part = rows[epoch * batches : (epoch + 1) * batches]
        assert (part[:, 1] * sizes).sum() / 168 == pytest.approx(row["loss"], rel=1e-3)
        assert (part[:, 2] * sizes).sum() / 168 == pytest.approx(row["accuracy"], abs=1e-3)


def test_only_the_end_of_a_long_log_is_read(run: RunFolder) -> None:
    rows, tail = read_batches(run.batches, whole=True), read_batches(run.batches, tail=300)
    assert 2 < len(tail) < 12 and np.array_equal(tail, rows[-len(tail) :])


def test_a_row_that_is_being_written_or_damaged_does_no_harm(run: RunFolder) -> None:
    count = len(read_batches(run.batches, whole=True))
    with open(run.batches, "a") as file:
        file.write("4.5,0.1")
    assert len(read_batches(run.batches, whole=True)) == count
    run.batches.write_text("position\nx,y,z,a,b\n\n")
    assert read_batches(run.batches, whole=True).shape == (0, 5)


def test_the_matrices_belong_to_the_epochs_of_the_history(run: RunFolder) -> None:
    watched = read_snapshots(run.path)
    assert watched is not None and len(watched) == 3
    for matrix, row in zip(watched.matrices, run.history(), strict=True):
        assert matrix.sum() == 35 and (matrix.sum(axis=1) == 5).all()
        assert np.trace(matrix) / 35 == pytest.approx(row["val_accuracy"])


def test_the_watched_faces_are_two_of_each_class_and_stay_the_same(run: RunFolder, voted: Path) -> None:
    watched, data = read_snapshots(run.path), open_dataset(voted)
    assert watched is not None
    assert watched.true.tolist() == [c for c in range(7) for _ in range(2)]
    known = {
        image.tobytes(): data.labels[i] for i in data.indices("validation") for image in [data.images[i]]
    }
    assert [known[face.tobytes()] for face in watched.faces] == watched.true.tolist()
    assert np.allclose(watched.probabilities.sum(axis=2), 1, atol=0.01) and watched.probabilities.shape == (
        3,
        14,
        7,
    )
    assert np.abs(watched.probabilities[2] - watched.probabilities[0]).max() > 0.05


def test_filters_are_those_of_the_first_convolution(run: RunFolder) -> None:
    watched = read_snapshots(run.path)
    assert watched is not None and watched.filters.shape == (3, 6, 3, 3)
    with np.load(run.checkpoint, allow_pickle=False) as file:
        kernel = file["weights_0"]  # (3, 3, 1, 6) after the last epoch
    assert np.allclose(watched.filters[2], np.moveaxis(kernel[:, :, 0], -1, 0), atol=1e-3)


def test_a_record_that_was_cut_off_is_left_out(run: RunFolder) -> None:
    records = run.path / "watch.records"
    records.write_bytes(records.read_bytes()[:-10])
    watched = read_snapshots(run.path)
    assert watched is not None and len(watched) == 2
    (run.path / "watch.npz").write_bytes(b"")
    assert read_snapshots(run.path) is None
