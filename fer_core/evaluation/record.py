"""What a model answered on one split, as a file: every figure can be shown from it, without the images and without the model."""

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
from ..bundle import Bundle
from ..data.dataset import UNLABELLED, Dataset
from ..data.measures import MEASURES, measures
from ..data.votes import Votes
from ..kept_arrays import read_arrays

FOLDER = "evaluations"  # in a bundle, or in the cache for bundles that are not to be changed
_VERSION = 1
_ARRAYS = ("labels", "probabilities", "true", "rows", "leaked", *MEASURES)


@dataclass(frozen=True)
class EvaluationRecord:
    """The answers of a model on n images with C classes."""

    labels: tuple[str, ...]
    probabilities: np.ndarray  # (n, C) float32, columns as in labels
    true: np.ndarray  # (n,) int64 positions in labels
    rows: np.ndarray  # (n,) int64 row of each image in the source
    brightness: np.ndarray  # (n,) float32, and the two below, as of `data.measures`
    contrast: np.ndarray
    sharpness: np.ndarray
    votes: np.ndarray | None  # (n, 10) uint8 FER+ votes, columns as in `data.votes.COLUMNS`
    leaked: np.ndarray | None  # (n,) bool, also in the training split; None on the training split
    model: str
    split: str
    tta: str
    truth: str  # whose word `true` is: "labels" or "votes"
    source: str
    fingerprint: str

    def __len__(self) -> int:
        return len(self.true)

    @property
    def predicted(self) -> np.ndarray:
        """(n,) int64 positions in labels."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """(n,) float32 probability of the class that was predicted."""
        return self.probabilities.max(axis=1)

    def only(self, chosen: np.ndarray) -> EvaluationRecord:
        """Of the images at these positions, or where a bool array (n,) is true."""
        names = ("probabilities", "true", "rows", *MEASURES)
        arrays: dict[str, Any] = {name: getattr(self, name)[chosen] for name in names}
        for name in ("votes", "leaked"):
            values = getattr(self, name)
            arrays[name] = None if values is None else values[chosen]
        return replace(self, **arrays)

    def by_votes(self) -> EvaluationRecord:
        """With what most FER+ voters chose for the truth, of the images on which they agree (`Votes.majority`)."""
        assert self.votes is not None
        majority = Votes(self.votes).majority().astype(np.int64)
        return replace(self, true=majority, truth="votes").only(majority != UNLABELLED)


def make(
    bundle: Bundle,
    dataset: Dataset,
    split: str,
    tta: str,
    indices: np.ndarray,
    probabilities: np.ndarray,
    votes: Votes | None,
) -> EvaluationRecord:
    """The record of `probabilities` (n, C), columns as in the data set's label_names, for the images at `indices`."""
    return EvaluationRecord(
        labels=dataset.label_names,
        probabilities=probabilities.astype(np.float32),
        true=dataset.labels[indices].astype(np.int64),
        rows=dataset.rows[indices],
        **measures(dataset.images, indices),
        votes=None if votes is None else votes.counts[indices],
        leaked=None if split == "train" else dataset.leaked(indices),
        model=bundle.name,
        split=split,
        tta=tta,
        truth="labels",
        source=dataset.source if ":" in dataset.source else Path(dataset.source).name,
        fingerprint=dataset.fingerprint,
    )


def file_name(dataset: Dataset, split: str, tta: str) -> str:
    """Of the record of these images: their content, and their order, which the fingerprint leaves open."""
    order = hashlib.sha256(dataset.digests[dataset.indices(split)].tobytes()).hexdigest()[:16]
    return f"{split}-{tta}-{dataset.fingerprint}-{order}.npz"


def folders(bundle: Bundle, tta: str = "none") -> list[Path]:
    """Where records of a bundle are looked for, first in itself."""
    return [bundle.path / FOLDER, storage.cache_folder(FOLDER) / model_hash(bundle, tta)]


def model_hash(bundle: Bundle, tta: str = "none") -> str:
    """Of what answers: the light file, or Keras' where views inside the graph are left out ("off"), and the names of its outputs."""
    file = bundle.keras_file if tta == "off" else bundle.inference_file
    try:
        return hashlib.sha256(file.read_bytes() + "\n".join(bundle.labels).encode()).hexdigest()[:16]
    except OSError:
        return "none"  # what reads it then says that it is missing


def find(bundle: Bundle, name: str, tta: str = "none") -> EvaluationRecord | None:
    """The kept record with this file name, unless the model has changed since."""
    model = model_hash(bundle, tta)
    for folder in folders(bundle, tta):
        found = _read(folder / name, model)
        if found is not None:
            return found
    return None


def kept(bundle: Bundle) -> Iterator[EvaluationRecord]:
    """All records of a bundle as it is now, those in the bundle first; one evaluation comes once."""
    model, seen = model_hash(bundle), set()
    for folder in folders(bundle):
        for path in sorted(folder.glob("*.npz")):
            if path.name not in seen and (found := _read(path, model)) is not None:
                seen.add(path.name)
                yield found


def store(record: EvaluationRecord, bundle: Bundle, name: str, inside: bool) -> None:
    """Keep a record by labels. A full or read-only disk costs time the next time, nothing else.

    Args:
        inside: in the bundle if it can be written, else in the cache.
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
    """The record at `path`; None where there is none, it is damaged, or it is of another model."""
    arrays: dict[str, Any] | None = read_arrays(path)
    if arrays is None:
        return None
    try:
        meta = json.loads(str(arrays.pop("meta")))
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
    count = len(record.true)
    shapes = [
        record.probabilities.shape == (count, len(labels)),
        *(len(getattr(record, name)) == count for name in ("rows", *MEASURES)),
    ]
    return record if all(shapes) else None
