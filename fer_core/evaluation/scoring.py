"""Run a model over a split and keep the probabilities in the cache, so that they are not computed twice."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import storage
from ..bundle import CARD, Bundle, is_shipped, read_bundle, views_inside, write_card
from ..data.dataset import UNLABELLED, Dataset
from ..data.votes import Votes
from ..errors import ModelError
from ..export import load_keras
from ..inference.classifier import Classifier
from .metrics import Evaluation, evaluate, figures

TTA = ("none", "flip", "off")
_CHUNK = 256
_TEST_USES = "test-uses.jsonl"


@dataclass(frozen=True)
class Scored:
    """Probabilities of a model on the labelled images of one split."""

    bundle: Bundle
    split: str
    tta: str
    indices: np.ndarray  # (n,) positions in the data set
    probabilities: np.ndarray  # (n, C) float32, in the order of the data set's label_names
    true: np.ndarray  # (n,) int64, positions in the data set's label_names
    evaluation: Evaluation


def score(
    bundle: Bundle, dataset: Dataset, split: str = "test", tta: str = "none", *,
    votes: Votes | None = None, save: bool | None = None, on_progress: Callable[[float], None] = lambda share: None,
) -> Scored:  # fmt: skip
    """Score `bundle` on a split of `dataset`, from the kept probabilities where there are any.

    Args:
        tta: "none" takes the model as it is; "flip" averages over each image and its mirror image; "off" leaves out the
            mirror image and the enlarged view that a model may have inside (through Keras, since they stand in the graph).
        votes: take what most FER+ voters chose for the truth, instead of the labels; images without a majority are left out.
        save: write the figures into the model's card; by default for models of one's own, not for the shipped ones. Only
            figures on the data that the model was trained on are written.
        on_progress: called with the share that is done, 0 to 1.

    Raises:
        FerError: the split is absent or unlabelled, or the model and the data name different classes.
    """
    if tta not in TTA:
        raise ModelError(f"Unknown test-time augmentation {tta!r}: expected one of {', '.join(TTA)}.")
    if set(bundle.labels) != set(dataset.label_names):
        raise ModelError(
            f"{bundle.name} tells {', '.join(bundle.labels)} apart, but the data has {', '.join(dataset.label_names)}: "
            "it cannot be scored on them."
        )
    indices = dataset.labelled_indices(split)
    key = _key(bundle, dataset, split, tta)
    probabilities = _load(key, len(indices))
    if probabilities is None:
        if tta == "off" and views_inside(bundle.card) > 1:
            probabilities = _one_view(bundle, dataset.images[indices])
        else:
            probabilities = _classify(Classifier(bundle), dataset.images, indices, tta, on_progress)
        _store(key, probabilities)
    # Labels travel by name: a model's classes may stand in another order than the data's.
    probabilities = probabilities[:, [bundle.labels.index(name) for name in dataset.label_names]]
    true = dataset.labels[indices].astype(np.int64)
    if votes is not None:
        true = votes.majority()[indices].astype(np.int64)
        agreed = true != UNLABELLED
        indices, probabilities, true = indices[agreed], probabilities[agreed], true[agreed]
    result = evaluate(probabilities, true, dataset.label_names, leaked=dataset.leaked(indices) if split != "train" else None)
    if split == "test":
        _record_use(bundle, dataset, tta)
    if save if save is not None else not is_shipped(bundle):
        try:
            _save_figures(bundle, dataset, split, tta, "labels" if votes is None else "votes", result)
        except OSError as error:
            if save:  # asked for; else the figures are what was wanted, and they are there
                raise ModelError(f"The card of {bundle.path} cannot be written: {error.strerror}.") from None
    return Scored(bundle, split, tta, indices, probabilities, true, result)


def _one_view(bundle: Bundle, images: np.ndarray) -> np.ndarray:
    networks_alone = load_keras(bundle)  # imports Keras, which what follows needs too
    from ..release.graph import networks_of, predict, shipped_graph

    return predict(shipped_graph(networks_of(networks_alone), temperature=bundle.card.get("temperature", 1.0)), images)


def _classify(
    classifier: Classifier, images: np.ndarray, indices: np.ndarray, tta: str, on_progress: Callable[[float], None]
) -> np.ndarray:
    parts = []
    for start in range(0, len(indices), _CHUNK):
        chunk = images[indices[start : start + _CHUNK]]
        part = classifier.probabilities(chunk)
        if tta == "flip":
            part = (part + classifier.probabilities(chunk[:, :, ::-1])) / 2
        parts.append(part)
        on_progress(min(1.0, (start + _CHUNK) / len(indices)))
    return np.concatenate(parts)


def _key(bundle: Bundle, dataset: Dataset, split: str, tta: str) -> Path:
    file = bundle.keras_file if tta == "off" else bundle.inference_file
    try:
        model = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    except OSError:
        model = "none"  # what reads it then says that it is missing
    # The fingerprint does not tell the order of the images, the hash over the ordered digests does.
    order = hashlib.sha256(dataset.digests[dataset.indices(split)].tobytes()).hexdigest()[:16]
    return storage.cache_folder("evaluations") / model / f"{dataset.fingerprint}-{order}-{split}-{tta}.npy"


def _load(path: Path, count: int) -> np.ndarray | None:
    try:
        kept = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return kept if kept.ndim == 2 and len(kept) == count else None


def _store(path: Path, probabilities: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, probabilities)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.write_atomically(path, buffer.getvalue())
    except OSError:  # a full or read-only disk costs time the next time, nothing else
        pass


def _record_use(bundle: Bundle, dataset: Dataset, tta: str) -> None:
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "model": bundle.name, "fingerprint": dataset.fingerprint, "tta": tta}
    try:
        storage.record_folder().mkdir(parents=True, exist_ok=True)
        with open(storage.record_folder() / _TEST_USES, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError:  # a machine without a place for it can still look
        pass


def test_uses(dataset: Dataset) -> int:
    """How often the test split of this data was scored on this machine, with any model.

    Each look is one more chance to choose by it, which makes the figures of what was chosen a little too good.
    """
    try:
        lines = (storage.record_folder() / _TEST_USES).read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(f'"{dataset.fingerprint}"' in line for line in lines)


def _save_figures(bundle: Bundle, dataset: Dataset, split: str, tta: str, truth: str, result: Evaluation) -> None:
    if bundle.card.get("data", {}).get("fingerprint") != dataset.fingerprint:
        return
    name = split if tta == "none" else f"{split}+{tta}"
    if truth != bundle.card.get("truth", "labels"):
        name = f"{name}@{truth}"
    measured = figures(result) | {"fingerprint": dataset.fingerprint, "truth": truth}
    card = read_bundle(bundle.path).card  # as it is now: another split may have been scored since it was read
    write_card(bundle.path / CARD, card | {"figures": card.get("figures", {}) | {name: measured}})
