"""Maps on which similar faces are close, made once, in a separate process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import find_bundle
from fer_core.data import Dataset, open_dataset
from fer_core.quality import cross_validation, map_job
from fer_core.quality.embedding import features, load_features, load_map, make_map
from fer_core.quality.neighbours import nearest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def small() -> Dataset:
    return open_dataset("synthetic:140:77")  # whose map no other test makes


def test_the_map_brings_faces_of_a_class_together_and_is_kept(small: Dataset) -> None:
    bundle = find_bundle("ferplus")
    reported: list[tuple[float, str]] = []
    assert load_map(small, bundle, "tsne") is None
    places = make_map(small, bundle, lambda share, what: reported.append((share, what)))
    assert places.shape == (140, 2) and np.isfinite(places).all()
    assert [share for share, _ in reported] == sorted(share for share, _ in reported) and reported[-1][0] == 1
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    same = (small.labels[distance.argmin(axis=1)] == small.labels).mean()
    assert same > 2 / 7, f"only {same:.0%} of the nearest have the same label, no more than by chance"
    for method in ("pca", "tsne"):
        assert load_map(small, bundle, method) is not None
    assert np.array_equal(make_map(small, bundle), places)
    assert load_map(small, find_bundle("standard"), "tsne") is None, "another model has a map of its own"


def test_nearest_faces_are_those_with_the_most_similar_features(small: Dataset) -> None:
    found = features(small, find_bundle("ferplus"))
    reference = load_features(small, find_bundle("ferplus"))
    assert reference is not None and np.array_equal(reference, found)
    where, similarity = nearest(found, 17, 5)
    whole = found.astype(np.float64)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    expected = whole @ whole[17]
    expected[17] = -1
    assert where.tolist() == np.argsort(-expected)[:5].tolist()
    assert np.allclose(similarity, expected[where], atol=1e-3)
    assert len(nearest(found[:3], 0, 8)[0]) == 2 and len(nearest(found[:1], 0, 8)[0]) == 0


def test_tiny_data_sets_have_a_map_too(small: Dataset) -> None:
    import dataclasses

    few = dataclasses.replace(
        small,
        images=small.images[:4],
        labels=small.labels[:4],
        splits=small.splits[:4],
        rows=small.rows[:4],
        digests=small.digests[:4],
    )
    assert make_map(few, find_bundle("ferplus")).shape == (4, 2)


def test_a_job_makes_it_in_a_process_of_its_own_and_tells_how_far_it_is(tmp_path: Path) -> None:
    data, bundle = open_dataset("synthetic:70"), find_bundle("ferplus")
    map_job.start(data, bundle)
    job = map_job.folder(data, bundle)
    assert job.status()["state"] in ("starting", "running")
    deadline = time.monotonic() + 180
    while job.status()["state"] != "finished":
        assert job.status()["state"] != "failed" and time.monotonic() < deadline, job.status()
        time.sleep(0.1)
    assert job.status()["share"] == 1
    assert load_map(data, bundle, "tsne") is not None


def test_making_a_map_needs_no_tensorflow() -> None:
    code = (
        "import sys; from fer_core.bundles.bundle import find_bundle; from fer_core.data import "
        "open_dataset\n"
        "from fer_core.quality.embedding import make_map; make_map(open_dataset('synthetic:70:3'), "
        "find_bundle('ferplus'))\n"
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_copies_are_in_one_fold_and_folds_are_alike_in_size(
    small: Dataset, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_EXPLORER_CACHE", str(tmp_path))
    fold = cross_validation.folds(small, 4)
    assert set(fold.tolist()) == {0, 1, 2, 3} and np.bincount(fold).min() > 140 / 4 / 2
    fold = cross_validation.folds(data, 3)
    for digest in np.unique(data.digests):
        assert len(set(fold[data.digests == digest].tolist())) == 1
    assert cross_validation.load(data) is None
    cross_validation.store(data, np.arange(3), np.full((3, 7), 1 / 7))
    found = cross_validation.load(data)
    assert found is not None and found[1].shape == (3, 7)


def test_a_fold_is_left_out_of_training(data: Dataset, voted: Path) -> None:
    from fer_core.training.targets import training_indices

    from .. import tiny

    config = tiny.settings(voted)
    everything = training_indices(config, data, None)
    parts = [training_indices(config.replace("data", fold=f"{i}/3"), data, None) for i in range(3)]
    left_out = [set(everything.tolist()) - set(part.tolist()) for part in parts]
    assert set.union(*left_out) == set(everything.tolist()) and sum(map(len, left_out)) == len(everything)
    assert not any(
        data.digests[list(out)].tolist() and set(data.digests[list(out)]) & set(data.digests[part])
        for out, part in zip(left_out, parts, strict=True)
    )


@pytest.mark.slow
def test_cross_validation_trains_a_network_for_each_fold(
    shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_RUNS_DIR", str(tmp_path))
    reported = shell.json(
        "cross-validate",
        "--data",
        "synthetic:1400",
        "--preset",
        "quick",
        "--set",
        "train.epochs=12",
        "--folds",
        2,
    )
    assert reported["accuracy"] > 0.5 and len(list(tmp_path.glob("*-fold-*"))) == 2
    found = cross_validation.load(open_dataset("synthetic:1400"))
    assert found is not None and len(found[0]) == 1400
