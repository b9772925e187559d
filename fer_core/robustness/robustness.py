"""Accuracy of a model under the corruptions of `corruptions`, stored so that it is measured once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..bundles.bundle import Bundle, is_shipped
from ..bundles.classifier import Classifier
from ..errors import ModelError
from ..evaluation.record import EvaluationRecord, model_hash
from ..metrics.classification import wilson_interval
from .corruptions import CORRUPTIONS, LEVELS, corrupt

IMAGES = 500
_VERSION = 1  # increase it when a corruption changes
_FILE = "robustness.json"


@dataclass(frozen=True)
class Robustness:
    """Correct answers of a model on the same `count` images, clean and corrupted."""

    model: str
    count: int
    clean: int
    right: dict[str, tuple[int, ...]]  # by corruption, for each of LEVELS

    @property
    def clean_accuracy(self) -> float:
        return self.clean / self.count

    def accuracies(self, name: str) -> list[float]:
        """Return the accuracies under one corruption, by level."""
        return [right / self.count for right in self.right[name]]

    def intervals(self, name: str) -> list[tuple[float, float]]:
        """Return the 95% Wilson intervals of `accuracies`."""
        return [wilson_interval(right, self.count) for right in self.right[name]]

    def mean(self, name: str) -> float:
        """Return the mean accuracy under one corruption over its levels."""
        return float(np.mean(self.accuracies(name)))

    @property
    def mean_accuracy(self) -> float:
        """Return the mean accuracy over all corruptions and levels."""
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
    """Measure the robustness of a model. With 500 images this takes about a minute: 71 passes over them.

    Args:
        images: (N, 48, 48) uint8 grey, see `data.dataset.stratified`.
        true: (N,) positions in `labels`, which may have another order than the model's.
        on_progress: Called with the share that is done, 0 to 1.
        cancelled: Called before each pass; the result is None once it returns True.

    Raises:
        ModelError: The model has no readable inference file or different classes, or there are no images.
    """
    if set(bundle.labels) != set(labels):
        raise ModelError(
            f"{bundle.name} has the classes {', '.join(bundle.labels)}, but the images have "
            f"{', '.join(labels)}."
        )
    if not len(images):
        raise ModelError(f"There are no images to test {bundle.name} on.")
    classifier = Classifier(bundle)
    model_classes = np.array([bundle.labels.index(name) for name in labels])[true]
    steps = [(name, level) for name in CORRUPTIONS for level in LEVELS]

    def right(tried: np.ndarray) -> int:
        return int((classifier.probabilities(tried).argmax(axis=1) == model_classes).sum())

    clean, counts = right(images), []
    for done, (name, level) in enumerate(steps, 1):
        if cancelled():
            return None
        counts.append(right(corrupt(images, name, level)))
        on_progress(done / len(steps))
    by_name = {
        name: tuple(counts[i * len(LEVELS) : (i + 1) * len(LEVELS)]) for i, name in enumerate(CORRUPTIONS)
    }
    return Robustness(bundle.name, len(images), clean, by_name)


def key(record: EvaluationRecord, selected: np.ndarray) -> str:
    """Return the key of a result: the images at these positions of a record, and their labels.

    It needs no images, so that an earlier result can be shown without them.
    """
    content = hashlib.sha256(record.rows[selected].astype("<i8").tobytes())
    content.update(" ".join(record.labels[i] for i in record.true[selected]).encode())
    return f"v{_VERSION}-{record.fingerprint}-{record.split}-{content.hexdigest()[:16]}"


def load(bundle: Bundle, measured_on: str) -> Robustness | None:
    """Return an earlier result for the same inference file, or None.

    Args:
        measured_on: See `key`.
    """
    model = model_hash(bundle)
    for path in (bundle.path / _FILE, _cached(model)):
        stored = _read(path).get(measured_on)
        if (
            isinstance(stored, dict)
            and stored.get("inference_file") == model
            and (result := _parsed(bundle, stored)) is not None
        ):
            return result
    return None


def save(bundle: Bundle, measured_on: str, result: Robustness) -> None:
    """Store the result: in the bundle of an own model, else (shipped or read-only) in the cache.

    On a full or read-only disk it is measured again the next time.
    """
    model = model_hash(bundle)
    entry = {"inference_file": model, "count": result.count, "clean": result.clean, "right": result.right}
    for path in ([] if is_shipped(bundle) else [bundle.path / _FILE]) + [_cached(model)]:
        results = {
            on: stored
            for on, stored in _read(path).items()
            if isinstance(stored, dict) and stored.get("inference_file") == model
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_atomically(
                path, (json.dumps(results | {measured_on: entry}, indent=1) + "\n").encode()
            )
            return
        except OSError:
            continue


def _parsed(bundle: Bundle, stored: dict[str, Any]) -> Robustness | None:
    try:
        right = {name: tuple(int(n) for n in stored["right"][name]) for name in CORRUPTIONS}
        result = Robustness(bundle.name, int(stored["count"]), int(stored["clean"]), right)
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
