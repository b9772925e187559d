"""Accuracy of a model on the corruptions of `corruptions`, and where it is kept, so that it is measured once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..bundle import Bundle, is_shipped
from ..errors import ModelError
from ..evaluation.metrics import wilson_interval
from ..evaluation.record import EvaluationRecord, model_hash
from ..inference.classifier import Classifier
from .corruptions import CORRUPTIONS, LEVELS, corrupt

IMAGES = 500
_VERSION = 1  # raise it when a corruption changes
_FILE = "robustness.json"


@dataclass(frozen=True)
class Robustness:
    """How many of the same `count` images a model names rightly, clean and corrupted."""

    model: str
    count: int
    clean: int
    right: dict[str, tuple[int, ...]]  # by corruption, for each of LEVELS

    @property
    def clean_accuracy(self) -> float:
        return self.clean / self.count

    def accuracies(self, name: str) -> list[float]:
        """Of one corruption, by level."""
        return [right / self.count for right in self.right[name]]

    def intervals(self, name: str) -> list[tuple[float, float]]:
        """The 95 % Wilson intervals of `accuracies`."""
        return [wilson_interval(right, self.count) for right in self.right[name]]

    def mean(self, name: str) -> float:
        """The mean accuracy of one corruption over its levels."""
        return float(np.mean(self.accuracies(name)))

    @property
    def mean_accuracy(self) -> float:
        """Over all corruptions and levels."""
        return float(np.mean([self.mean(name) for name in self.right]))

    @property
    def worst_first(self) -> list[str]:
        return sorted(self.right, key=self.mean)


def robustness(
    bundle: Bundle,
    images: np.ndarray,
    true: np.ndarray,
    labels: tuple[str, ...],
    on_progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Robustness | None:
    """Measure. With 500 images this takes about a minute: 71 passes over them.

    Args:
        images: (N, 48, 48) uint8 grey, see `data.dataset.stratified`.
        true: (N,) positions in `labels`, which may stand in another order than the model's.
        on_progress: called with the share that is done, 0 to 1.
        cancelled: asked before each pass; the result is None once it says so.

    Raises:
        ModelError: the model has no readable inference file, or knows other classes; or there are no images.
    """
    if set(bundle.labels) != set(labels):
        raise ModelError(
            f"{bundle.name} tells {', '.join(bundle.labels)} apart, but the images show {', '.join(labels)}."
        )
    if not len(images):
        raise ModelError(f"There are no images to try {bundle.name} on.")
    classifier = Classifier(bundle)
    wanted = np.array([bundle.labels.index(name) for name in labels])[true]
    steps = [(name, level) for name in CORRUPTIONS for level in LEVELS]

    def right(tried: np.ndarray) -> int:
        return int((classifier.probabilities(tried).argmax(axis=1) == wanted).sum())

    clean, found = right(images), []
    for done, (name, level) in enumerate(steps, 1):
        if cancelled():
            return None
        found.append(right(corrupt(images, name, level)))
        on_progress(done / len(steps))
    by_name = {
        name: tuple(found[i * len(LEVELS) : (i + 1) * len(LEVELS)]) for i, name in enumerate(CORRUPTIONS)
    }
    return Robustness(bundle.name, len(images), clean, by_name)


def key(record: EvaluationRecord, chosen: np.ndarray) -> str:
    """What a result is measured on: the images at these positions of a record, and what they are said to show.

    It needs no images, so that what was measured before is shown where they are absent.
    """
    content = hashlib.sha256(record.rows[chosen].astype("<i8").tobytes())
    content.update(" ".join(record.labels[i] for i in record.true[chosen]).encode())
    return f"v{_VERSION}-{record.fingerprint}-{record.split}-{content.hexdigest()[:16]}"


def load(bundle: Bundle, measured_on: str) -> Robustness | None:
    """What was measured before with this very inference file.

    Args:
        measured_on: see `key`.
    """
    model = model_hash(bundle)
    for path in (bundle.path / _FILE, _cached(model)):
        found = _read(path).get(measured_on)
        if (
            isinstance(found, dict)
            and found.get("inference_file") == model
            and (result := _parsed(bundle, found)) is not None
        ):
            return result
    return None


def save(bundle: Bundle, measured_on: str, result: Robustness) -> None:
    """Keep it: beside a model of one's own, else (it comes with FER Explorer, or its folder cannot be written) in the cache.

    A disk on which nothing can be written costs time the next time, nothing else.
    """
    model = model_hash(bundle)
    entry = {"inference_file": model, "count": result.count, "clean": result.clean, "right": result.right}
    for path in ([] if is_shipped(bundle) else [bundle.path / _FILE]) + [_cached(model)]:
        kept = {
            on: other
            for on, other in _read(path).items()
            if isinstance(other, dict) and other.get("inference_file") == model
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_atomically(
                path, (json.dumps(kept | {measured_on: entry}, indent=1) + "\n").encode()
            )
            return
        except OSError:
            continue


def _parsed(bundle: Bundle, found: dict[str, Any]) -> Robustness | None:
    try:
        right = {name: tuple(int(n) for n in found["right"][name]) for name in CORRUPTIONS}
        result = Robustness(bundle.name, int(found["count"]), int(found["clean"]), right)
    except (KeyError, TypeError, ValueError):
        return None
    return (
        result if result.count > 0 and all(len(levels) == len(LEVELS) for levels in right.values()) else None
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _cached(model: str) -> Path:
    return storage.cache_folder("robustness") / f"{model}.json"
