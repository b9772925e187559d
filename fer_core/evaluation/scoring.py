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
from ..bundle import CARD, Bundle, is_shipped, write_card
from ..data.dataset import Dataset
from ..errors import ModelError
from ..inference.classifier import Classifier
from .metrics import Evaluation, evaluate, figures

TTA = ("none", "flip")
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
    evaluation: Evaluation


def score(
    bundle: Bundle, dataset: Dataset, split: str = "test", tta: str = "none", *,
    save: bool | None = None, on_progress: Callable[[float], None] = lambda share: None,
) -> Scored:  # fmt: skip
    """Score `bundle` on a split of `dataset`, from the kept probabilities where there are any.

    Args:
        tta: "none", or "flip" for the mean over each image and its mirror image.
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
        probabilities = _classify(Classifier(bundle), dataset.images, indices, tta, on_progress)
        _store(key, probabilities)
    # Labels travel by name: a model's classes may stand in another order than the data's.
    columns = [bundle.labels.index(name) for name in dataset.label_names]
    result = evaluate(
        probabilities[:, columns], dataset.labels[indices], dataset.label_names,
        leaked=dataset.leaked(indices) if split != "train" else None,
    )  # fmt: skip
    if split == "test":
        _record_use(bundle, dataset, tta)
    if save if save is not None else not is_shipped(bundle):
        try:
            _save_figures(bundle, dataset, split, tta, result)
        except OSError as error:
            if save:  # asked for; else the figures are what was wanted, and they are there
                raise ModelError(f"The card of {bundle.path} cannot be written: {error.strerror}.") from None
    return Scored(bundle, split, tta, indices, probabilities[:, columns], result)


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
    try:
        model = hashlib.sha256(bundle.inference_file.read_bytes()).hexdigest()[:16]
    except OSError:
        model = "none"  # Classifier then says what is missing
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


def _save_figures(bundle: Bundle, dataset: Dataset, split: str, tta: str, result: Evaluation) -> None:
    if bundle.card.get("data", {}).get("fingerprint") != dataset.fingerprint:
        return
    name = split if tta == "none" else f"{split}+{tta}"
    card = bundle.card | {"figures": bundle.card.get("figures", {}) | {name: figures(result) | {"fingerprint": dataset.fingerprint}}}
    write_card(bundle.path / CARD, card)
