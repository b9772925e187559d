"""Scoring of a model on a split; the answers are stored as a record, so that they are not computed twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import storage
from ..bundles.bundle import CARD, Bundle, is_shipped, read_bundle, views_inside, write_card
from ..bundles.card_values import as_dict, as_int
from ..bundles.classifier import Classifier
from ..bundles.export import load_keras
from ..data.dataset import UNLABELLED, Dataset
from ..data.vote_counts import Votes
from ..data.votes import find_votes, read_votes
from ..errors import DataError, ModelError
from ..metrics.classification import Evaluation, evaluate, figures
from . import record
from .record import EvaluationRecord

TTA = ("none", "flip", "off")
_CHUNK = 256
_TEST_USES = "test-uses.jsonl"
THREADS = min(4, os.cpu_count() or 1)


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
    # The same as stored; scored against votes if these were the truth.
    record: EvaluationRecord


def score(
    bundle: Bundle,
    dataset: Dataset,
    split: str = "test",
    tta: str = "none",
    *,
    votes: Votes | None = None,
    save: bool | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Scored:
    """Score `bundle` on a split of `dataset`, or load the stored record.

    Args:
        tta: "none" uses the model as it is; "flip" averages over each image and its mirror image; "off"
            leaves out the mirror image and the enlarged view that a model may have inside (through Keras,
            since they are part of the graph).
        votes: Score against the majority of FER+ voters instead of the labels; images without a majority are
            left out.
        save: Store the record in the bundle and write the figures into its card; by default for own models,
            not for shipped ones, whose records go into the cache. Only figures on the data that the model was
            trained on are written into the card.
        on_progress: Called with the share that is done, 0 to 1.

    Raises:
        FerError: The split is absent or unlabelled, or the model and the data have different classes.
    """
    _check(bundle, dataset, tta)
    indices = dataset.labelled_indices(split)
    inside = save if save is not None else not is_shipped(bundle)
    name = record.file_name(dataset, split, tta)
    stored = _load(bundle, dataset, name, tta, indices)
    changed = stored is None
    if stored is None:
        probabilities = _probabilities(bundle, dataset, indices, tta, on_progress)
        own_votes = votes or _votes_beside(dataset)
        stored = record.make(bundle.name, dataset, split, tta, indices, probabilities, own_votes)
    elif votes is not None and not _has_votes(stored, votes.counts[indices]):
        stored, changed = replace(stored, votes=votes.counts[indices]), True
    # A record that is only in the cache so far is also stored in the bundle.
    if changed or (inside and not (bundle.path / record.FOLDER / name).is_file()):
        record.store(stored, bundle, name, inside)
    if votes is not None:
        indices = indices[votes.majority()[indices] != UNLABELLED]
        stored = stored.by_votes()
    result = evaluate(stored.probabilities, stored.true, stored.labels, leaked=stored.leaked)
    if split == "test":
        record_use(bundle.name, dataset, tta)
    if inside:
        truth = "labels" if votes is None else "votes"
        try:
            _save_figures(bundle, dataset, split, tta, truth, result)
        except OSError as error:
            if save:  # requested explicitly; by default the figures alone are enough
                raise ModelError(f"The card of {bundle.path} cannot be written: {error.strerror}.") from None
    return Scored(bundle, split, tta, indices, stored.probabilities, stored.true, result, stored)


def _check(bundle: Bundle, dataset: Dataset, tta: str) -> None:
    if tta not in TTA:
        raise ModelError(f"Unknown test-time augmentation {tta!r}: expected one of {', '.join(TTA)}.")
    if set(bundle.labels) != set(dataset.label_names):
        raise ModelError(
            f"{bundle.name} has the classes {', '.join(bundle.labels)}, but the data has "
            f"{', '.join(dataset.label_names)}: it cannot be scored on them."
        )


def _load(
    bundle: Bundle, dataset: Dataset, name: str, tta: str, indices: np.ndarray
) -> EvaluationRecord | None:
    """Return the stored record of these images with the data's labels in their order, or None."""
    stored = record.find(bundle, name, tta)
    if stored is None or not np.array_equal(stored.rows, dataset.rows[indices]):
        return None
    columns = [stored.labels.index(label) for label in dataset.label_names]
    return replace(
        stored,
        probabilities=stored.probabilities[:, columns],
        labels=dataset.label_names,
        true=dataset.labels[indices].astype(np.int64),
    )


def _has_votes(stored: EvaluationRecord, counts: np.ndarray) -> bool:
    return stored.votes is not None and np.array_equal(stored.votes, counts)


def _probabilities(
    bundle: Bundle,
    dataset: Dataset,
    indices: np.ndarray,
    tta: str,
    on_progress: Callable[[float], None],
) -> np.ndarray:
    """Classify images; return (n, C) in the order of the data's labels, which travel by name."""
    if tta == "off" and views_inside(bundle.card) > 1:
        probabilities = _one_view(bundle, dataset.images[indices])
    else:
        classifier = Classifier(bundle, threads=THREADS)
        probabilities = _classify(classifier, dataset.images, indices, tta, on_progress)
    return probabilities[:, [bundle.labels.index(label) for label in dataset.label_names]]


def _one_view(bundle: Bundle, images: np.ndarray) -> np.ndarray:
    networks_alone = load_keras(bundle)  # imports Keras, which the imports below need
    from ..bundles.graph import networks_of, predict, shipped_graph

    return predict(
        shipped_graph(networks_of(networks_alone), temperature=bundle.card.get("temperature", 1.0)), images
    )


def _classify(
    classifier: Classifier,
    images: np.ndarray,
    indices: np.ndarray,
    tta: str,
    on_progress: Callable[[float], None],
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


def _votes_beside(dataset: Dataset) -> Votes | None:
    """Return the votes beside the data if they fit.

    They are stored, so that figures by votes need no data.
    """
    try:
        path = find_votes(dataset.source)
        return None if path is None else read_votes(path, dataset)
    except (DataError, OSError):
        return None


def record_use(model: str, dataset: Dataset, tta: str) -> None:
    """Record that a test split was scored, see `test_uses`."""
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "model": model,
        "fingerprint": dataset.fingerprint,
        "tta": tta,
    }
    try:
        storage.record_folder().mkdir(parents=True, exist_ok=True)
        with open(storage.record_folder() / _TEST_USES, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError:  # a read-only machine can still score
        pass


def test_uses(data: Dataset | str | None = None, model: str | None = None) -> int:
    """Count how often a test split was scored on this machine.

    Each use is a chance to select a model by it, which makes the figures of the selected model a little too
    good.

    Args:
        data: Only uses of this data, or of data with this fingerprint.
        model: Only uses by this model.
    """
    try:
        lines = (storage.record_folder() / _TEST_USES).read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    fingerprint = data.fingerprint if isinstance(data, Dataset) else data
    filters = {"fingerprint": fingerprint, "model": model}
    return sum(
        all(value is None or _read_line(line).get(name) == value for name, value in filters.items())
        for line in lines
    )


def uses_in_card(card: dict[str, Any]) -> int | None:
    """Return how often the model's own test split was scored according to its card, or None.

    The card of an own model counts each use; that of a shipped one, the uses of its authors.
    """
    counts = [
        as_int(as_dict(as_dict(card, "figures"), name).get("uses"))
        for name in as_dict(card, "figures")
        if name.startswith("test")
    ]
    return max((uses for uses in counts if uses is not None), default=None)


def _read_line(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):  # a line cut off by a crash
        return {}


def _save_figures(
    bundle: Bundle, dataset: Dataset, split: str, tta: str, truth: str, result: Evaluation
) -> None:
    if bundle.card.get("data", {}).get("fingerprint") != dataset.fingerprint:
        return
    name = split if tta == "none" else f"{split}+{tta}"
    if truth != bundle.card.get("truth", "labels"):
        name = f"{name}@{truth}"
    measured = figures(result) | {"fingerprint": dataset.fingerprint, "truth": truth}
    card = read_bundle(bundle.path).card  # read again, since another split may have been scored meanwhile
    if split == "test":
        measured["uses"] = (uses_in_card(card) or 0) + 1
    write_card(bundle.path / CARD, card | {"figures": card.get("figures", {}) | {name: measured}})
