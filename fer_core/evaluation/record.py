"""Evaluation records: files with a model's answers on one split, for computing every figure again."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..bundles.bundle import Bundle
from ..data.dataset import UNLABELLED, Dataset
from ..data.measures import MEASURES, measures
from ..data.vote_counts import Votes
from ..foreign_json import parse_json
from ..storage import read_arrays

# In a bundle, or in the cache for bundles that must not change.
FOLDER = "evaluations"
_VERSION = 1
_LONGEST_LABEL = 100  # characters
_ARRAYS = ("labels", "probabilities", "true", "rows", "leaked", *MEASURES)


@dataclass(frozen=True)
class EvaluationRecord:
    """Answers of a model on n images with C classes."""

    labels: tuple[str, ...]
    probabilities: np.ndarray  # (n, C) float32, columns as in labels
    true: np.ndarray  # (n,) int64 positions in labels
    rows: np.ndarray  # (n,) int64 row of each image in the source
    brightness: np.ndarray  # (n,) float32, like the two below; see `data.measures`
    contrast: np.ndarray
    sharpness: np.ndarray
    votes: np.ndarray | None  # (n, 10) uint8 FER+ votes, columns as in `vote_counts.COLUMNS`
    leaked: np.ndarray | None  # (n,) bool, also in the training split; None for the training split
    model: str
    split: str
    tta: str
    truth: str  # origin of `true`: "labels" or "votes"
    source: str
    fingerprint: str

    def __len__(self) -> int:
        return len(self.true)

    @property
    def predicted(self) -> np.ndarray:
        """Return the predicted positions in labels, (n,) int64."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """Return the probability of the predicted class, (n,) float32."""
        return self.probabilities.max(axis=1)

    def only(self, selected: np.ndarray) -> EvaluationRecord:
        """Return the record of the images at these positions, or where a bool array (n,) is true."""
        names = ("probabilities", "true", "rows", *MEASURES)
        arrays: dict[str, Any] = {name: getattr(self, name)[selected] for name in names}
        for name in ("votes", "leaked"):
            values = getattr(self, name)
            arrays[name] = None if values is None else values[selected]
        return replace(self, **arrays)

    def by_votes(self) -> EvaluationRecord:
        """Return the record of the images with a majority of votes, scored against it (`Votes.majority`)."""
        assert self.votes is not None
        majority = Votes(self.votes).majority().astype(np.int64)
        return replace(self, true=majority, truth="votes").only(majority != UNLABELLED)


def source_name(dataset: Dataset) -> str:
    """Return the source of a data set without folders: "fer2013.csv", "synthetic:350"."""
    return dataset.source if ":" in dataset.source else Path(dataset.source).name


def make(
    model: str,
    dataset: Dataset,
    split: str,
    tta: str,
    indices: np.ndarray,
    probabilities: np.ndarray,
    votes: Votes | None,
) -> EvaluationRecord:
    """Build the record of the `probabilities` (n, C) of `model`, columns as in label_names, at `indices`."""
    return EvaluationRecord(
        labels=dataset.label_names,
        probabilities=probabilities.astype(np.float32),
        true=dataset.labels[indices].astype(np.int64),
        rows=dataset.rows[indices],
        **measures(dataset.images, indices),
        votes=None if votes is None else votes.counts[indices],
        leaked=None if split == "train" else dataset.leaked(indices),
        model=model,
        split=split,
        tta=tta,
        truth="labels",
        source=source_name(dataset),
        fingerprint=dataset.fingerprint,
    )


def file_name(dataset: Dataset, split: str, tta: str) -> str:
    """Return the file name for these images, from their content and order, which the fingerprint ignores."""
    order = hashlib.sha256(dataset.digests[dataset.indices(split)].tobytes()).hexdigest()[:16]
    return f"{split}-{tta}-{dataset.fingerprint}-{order}.npz"


def folders(bundle: Bundle, tta: str = "none") -> list[Path]:
    """Return the folders with records of a bundle, its own first."""
    return [bundle.path / FOLDER, storage.cache_folder(FOLDER) / model_hash(bundle, tta)]


def model_hash(bundle: Bundle, tta: str = "none") -> str:
    """Return a hash of the file that answers and of its outputs' names.

    This is the light file, or Keras' file where views inside the graph are left out ("off").
    """
    file = bundle.keras_file if tta == "off" else bundle.inference_file
    try:
        return hashlib.sha256(file.read_bytes() + "\n".join(bundle.labels).encode()).hexdigest()[:16]
    except OSError:
        return "none"  # the reader of the file reports that it is missing


def find(bundle: Bundle, name: str, tta: str = "none") -> EvaluationRecord | None:
    """Return the stored record with this file name, unless the model has changed since."""
    model = model_hash(bundle, tta)
    for folder in folders(bundle, tta):
        record = _read(folder / name, model)
        if record is not None:
            return record
    return None


def stored(bundle: Bundle) -> Iterator[EvaluationRecord]:
    """Return all records of a bundle in its present state without duplicates, those in the bundle first."""
    model, seen = model_hash(bundle), set()
    for folder in folders(bundle):
        for path in sorted(folder.glob("*.npz")):
            if path.name not in seen and (record := _read(path, model)) is not None:
                seen.add(path.name)
                yield record


def store(record: EvaluationRecord, bundle: Bundle, name: str, inside: bool) -> None:
    """Store a record by labels; on a full or read-only disk it is computed again the next time.

    Args:
        inside: Store it in the bundle if that can be written, else in the cache.
    """
    meta = {"version": _VERSION, "model_hash": model_hash(bundle, record.tta)}
    meta |= {name: getattr(record, name) for name in ("model", "split", "tta", "source", "fingerprint")}
    arrays: dict[str, Any] = {
        name: getattr(record, name) for name in _ARRAYS if getattr(record, name) is not None
    }
    if record.votes is not None:
        arrays["votes"] = record.votes
    buffer = io.BytesIO()
    np.savez_compressed(buffer, meta=np.array(json.dumps(meta)), **arrays)
    for folder in folders(bundle, record.tta)[0 if inside else 1 :]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            storage.write_atomically(folder / name, buffer.getvalue())
            return
        except OSError:
            continue


def _read(path: Path, model: str) -> EvaluationRecord | None:
    """Return the record at `path`, or None if it is missing, damaged or of another model."""
    arrays: dict[str, Any] | None = read_arrays(path)
    if arrays is None:
        return None
    try:
        meta = parse_json(str(arrays.pop("meta")))
        if meta.pop("version") != _VERSION or meta.pop("model_hash") != model:
            return None
        labels = tuple(str(label) for label in arrays.pop("labels"))
        record = EvaluationRecord(
            labels=labels,
            votes=arrays.pop("votes", None),
            leaked=arrays.pop("leaked", None),
            truth="labels",
            **arrays,
            **meta,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if _is_whole(record) else None


def _is_whole(record: EvaluationRecord) -> bool:
    """Return whether the parts of a record from a file fit each other, and have possible values."""
    count, classes = record.true.size, len(record.labels)
    # array: shape, kinds of numbers, least and greatest value
    parts: dict[str, tuple[tuple[int, ...], str, float, float]] = {
        "probabilities": ((count, classes), "f", 0, 1.001),
        "true": ((count,), "iu", 0, classes - 1),
        "rows": ((count,), "iu", 0, np.inf),
        **dict.fromkeys(MEASURES, ((count,), "f", -1e9, 1e9)),
        "votes": ((count, 10), "iu", 0, 255),
        "leaked": ((count,), "b", 0, 1),
    }
    for name, (shape, kinds, least, greatest) in parts.items():
        values = getattr(record, name)
        if values is None and name in ("votes", "leaked"):
            continue
        if values.shape != shape or values.dtype.kind not in kinds:
            return False
        if values.size and not (least <= values.min() and values.max() <= greatest):  # false of NaN too
            return False
    texts = (record.model, record.split, record.tta, record.source, record.fingerprint)
    return (
        len(set(record.labels)) == classes > 0
        and all(len(label) <= _LONGEST_LABEL for label in record.labels)
        and all(isinstance(text, str) for text in texts)
    )
