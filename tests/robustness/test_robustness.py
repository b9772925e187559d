"""Accuracy by corruption: by label name, and stored only for the same model and images."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core import storage
from fer_core.bundles import bundle as bundles
from fer_core.bundles.bundle import Bundle, find_bundle, read_bundle
from fer_core.data import Dataset, open_dataset
from fer_core.data.dataset import stratified
from fer_core.errors import ModelError
from fer_core.evaluation.scoring import score
from fer_core.inference import Classifier
from fer_core.metrics.classification import wilson_interval
from fer_core.robustness import robustness as module
from fer_core.robustness.corruptions import CORRUPTIONS, corrupt
from fer_core.robustness.robustness import Robustness, key, load, robustness, save


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use an empty cache: all tests score the same model, and would find each other's results."""
    monkeypatch.setenv("FER_EXPLORER_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def bundle(trained_run: Path, tmp_path: Path) -> Bundle:
    """One of one's own, that may be written to."""
    shutil.copytree(find_bundle(str(trained_run)).path, tmp_path / "own")
    return read_bundle(tmp_path / "own")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset("synthetic:350")


def made(bundle: Bundle, right: int = 20) -> Robustness:
    return Robustness(bundle.name, 50, 40, dict.fromkeys(CORRUPTIONS, (right,) * 5))


def test_accuracies_are_counted_on_the_corrupted_images_by_name(bundle: Bundle, data: Dataset) -> None:
    indices = data.indices("test")[:30]
    turned = tuple(reversed(data.label_names))  # the data name their classes in another order than the model
    true = np.array([turned.index(data.label_names[i]) for i in data.labels[indices]])
    shares: list[float] = []
    found = robustness(bundle, data.images[indices], true, turned, shares.append)
    assert (
        found is not None and list(found.right) == list(CORRUPTIONS) and shares[-1] == 1 and len(shares) == 70
    )
    classifier = Classifier(bundle)
    for name, level in (("rotation", 5), ("contrast", 1)):
        answers = classifier.probabilities(corrupt(data.images[indices], name, level)).argmax(axis=1)
        right = sum(bundle.labels[a] == turned[t] for a, t in zip(answers, true, strict=True))
        assert found.right[name][level - 1] == right
        assert found.intervals(name)[level - 1] == wilson_interval(right, 30)
    clean = classifier.probabilities(data.images[indices]).argmax(axis=1)
    assert found.clean == sum(bundle.labels[a] == turned[t] for a, t in zip(clean, true, strict=True))
    assert found.clean_accuracy == found.clean / 30
    assert found.mean_accuracy == pytest.approx(sum(map(sum, found.right.values())) / (30 * 70))
    means = [found.mean(name) for name in found.worst_first]
    assert means == sorted(means) and len(means) == len(CORRUPTIONS)


def test_it_can_be_cancelled_and_refuses_what_does_not_fit(bundle: Bundle, data: Dataset) -> None:
    images, true = data.images[:7], data.labels[:7].astype(int)
    asked = iter([False, False, True])
    assert robustness(bundle, images, true, data.label_names, cancelled=lambda: next(asked)) is None
    with pytest.raises(ModelError, match="but the images have a, b"):
        robustness(bundle, images, true, ("a", "b"))
    with pytest.raises(ModelError, match="There are no images"):
        robustness(bundle, images[:0], true[:0], data.label_names)


def test_a_sample_has_each_class_with_its_share() -> None:
    true = np.repeat([0, 1, 2], [700, 200, 100])
    selected = stratified(true, 100)
    assert np.bincount(true[selected]).tolist() == [70, 20, 10]
    assert np.array_equal(selected, stratified(true, 100)) and not np.array_equal(
        selected, stratified(true, 100, seed=1)
    )
    assert np.array_equal(np.unique(selected), selected) and np.array_equal(
        stratified(true, 5000), np.arange(1000)
    )


def test_what_was_measured_is_read_back_for_this_model_and_these_images(
    bundle: Bundle, data: Dataset
) -> None:
    record = score(bundle, data, "test", save=False).record
    some, more = stratified(record.true, 20), stratified(record.true, 30)
    on = key(record, some)
    assert on == key(record, some)
    relabelled = dataclasses.replace(record, true=(record.true + 1) % 7)
    others = {
        key(record, more),
        key(relabelled, some),
        key(dataclasses.replace(record, fingerprint="0"), some),
    }
    assert len(others | {on}) == 4, "other images or another truth are something else"
    result = made(bundle)
    assert load(bundle, on) is None
    save(bundle, on, result)
    save(bundle, key(record, more), made(bundle, 10))
    assert load(bundle, on) == result and load(bundle, key(record, more)) == made(bundle, 10)
    assert json.loads((bundle.path / "robustness.json").read_text()).keys() == {on, key(record, more)}
    bundle.inference_file.write_bytes(bundle.inference_file.read_bytes() + b"\0")  # trained again
    assert load(bundle, on) is None
    save(bundle, on, result)
    assert load(bundle, on) == result and len(json.loads((bundle.path / "robustness.json").read_text())) == 1


def test_a_shipped_model_stays_as_it_is_and_its_results_go_to_the_cache(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MODELS_DIR", bundle.path.parent)
    save(bundle, "on", made(bundle))
    assert not (bundle.path / "robustness.json").exists() and load(bundle, "on") == made(bundle)
    assert list(storage.cache_folder("robustness").glob("*.json"))


@pytest.mark.skipif(os.name == "nt", reason="folders have no such permissions there")
def test_a_folder_that_cannot_be_written_is_no_error(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    write = storage.write_atomically

    def refuse(path: Path, content: bytes) -> None:
        if bundle.path in path.parents:
            raise PermissionError(13, "Permission denied")
        write(path, content)

    monkeypatch.setattr(module.storage, "write_atomically", refuse)
    save(bundle, "elsewhere", made(bundle))
    assert load(bundle, "elsewhere") == made(bundle)


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"on": 3}', b'{"on": {"inference_file": "HASH", "count": 5}}']
)
def test_a_damaged_file_counts_as_missing(bundle: Bundle, content: bytes) -> None:
    from fer_core.evaluation.record import model_hash

    (bundle.path / "robustness.json").write_bytes(content.replace(b"HASH", model_hash(bundle).encode()))
    assert load(bundle, "on") is None
    save(bundle, "on", made(bundle))
    assert load(bundle, "on") == made(bundle)
