"""Run a model over a split and keep its answers as a record, so that they are not computed twice."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import storage
from ..bundle import CARD, Bundle, is_shipped, read_bundle, views_inside, write_card
from ..card_values import part, whole
from ..data.dataset import UNLABELLED, Dataset
from ..data.votes import Votes, find_votes, read_votes
from ..errors import DataError, ModelError
from ..export import load_keras
from ..inference.classifier import Classifier
from . import record
from .metrics import Evaluation, evaluate, figures
from .record import EvaluationRecord

TTA = ("none", "flip", "off")
_CHUNK = 256
_TEST_USES = "test-uses.jsonl"
_THREADS = min(4, os.cpu_count() or 1)


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
    record: EvaluationRecord  # the same, as it is kept; by the labels or, if votes were the truth, by them


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
    """Score `bundle` on a split of `dataset`, from the kept record where there is one.

    Args:
        tta: "none" takes the model as it is; "flip" averages over each image and its mirror image; "off" leaves out the
            mirror image and the enlarged view that a model may have inside (through Keras, since they stand in the graph).
        votes: take what most FER+ voters chose for the truth, instead of the labels; images without a majority are left out.
        save: keep the record in the bundle and write the figures into its card; by default for models of one's own, not for
            the shipped ones, whose records go into the cache. Only figures on the data that the model was trained on are
            written into the card.
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
    name, inside = record.file_name(dataset, split, tta), save if save is not None else not is_shipped(bundle)
    kept = record.find(bundle, name, tta)
    if kept is not None and not np.array_equal(kept.rows, dataset.rows[indices]):
        kept = None
    if kept is None:
        if tta == "off" and views_inside(bundle.card) > 1:
            probabilities = _one_view(bundle, dataset.images[indices])
        else:
            probabilities = _classify(
                Classifier(bundle, threads=_THREADS), dataset.images, indices, tta, on_progress
            )
        # Labels travel by name: a model's classes may stand in another order than the data's.
        probabilities = probabilities[:, [bundle.labels.index(name) for name in dataset.label_names]]
        kept = record.make(
            bundle, dataset, split, tta, indices, probabilities, votes or _votes_beside(dataset)
        )
        record.store(kept, bundle, name, inside)
    else:
        kept = replace(
            kept,
            probabilities=kept.probabilities[:, [kept.labels.index(name) for name in dataset.label_names]],
            labels=dataset.label_names,
            true=dataset.labels[indices].astype(np.int64),
        )
        if votes is not None and not (
            kept.votes is not None and np.array_equal(kept.votes, votes.counts[indices])
        ):
            kept = replace(kept, votes=votes.counts[indices])
            record.store(kept, bundle, name, inside)
        elif inside and not (bundle.path / record.FOLDER / name).is_file():  # so far in the cache only
            record.store(kept, bundle, name, inside)
    if votes is not None:
        indices = indices[votes.majority()[indices] != UNLABELLED]
        kept = kept.by_votes()
    result = evaluate(kept.probabilities, kept.true, kept.labels, leaked=kept.leaked)
    if split == "test":
        _record_use(bundle, dataset, tta)
    if inside:
        try:
            _save_figures(bundle, dataset, split, tta, "labels" if votes is None else "votes", result)
        except OSError as error:
            if save:  # asked for; else the figures are what was wanted, and they are there
                raise ModelError(f"The card of {bundle.path} cannot be written: {error.strerror}.") from None
    return Scored(bundle, split, tta, indices, kept.probabilities, kept.true, result, kept)


def _one_view(bundle: Bundle, images: np.ndarray) -> np.ndarray:
    networks_alone = load_keras(bundle)  # imports Keras, which what follows needs too
    from ..release.graph import networks_of, predict, shipped_graph

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
    """The votes that stand beside the data, if they fit; they go into the record, so that figures by votes need no data."""
    try:
        path = find_votes(dataset.source)
        return None if path is None else read_votes(path, dataset)
    except (DataError, OSError):
        return None


def _record_use(bundle: Bundle, dataset: Dataset, tta: str) -> None:
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "model": bundle.name,
        "fingerprint": dataset.fingerprint,
        "tta": tta,
    }
    try:
        storage.record_folder().mkdir(parents=True, exist_ok=True)
        with open(storage.record_folder() / _TEST_USES, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError:  # a machine without a place for it can still look
        pass


def test_uses(data: Dataset | str | None = None, model: str | None = None) -> int:
    """How often a test split was scored on this machine.

    Each look is one more chance to choose by it, which makes the figures of what was chosen a little too good.

    Args:
        data: only looks at these data, or at those with this fingerprint.
        model: only looks by this model.
    """
    try:
        lines = (storage.record_folder() / _TEST_USES).read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    fingerprint = data.fingerprint if isinstance(data, Dataset) else data
    wanted = {"fingerprint": fingerprint, "model": model}
    return sum(
        all(value is None or _read_line(line).get(name) == value for name, value in wanted.items())
        for line in lines
    )


def uses_in_card(card: dict[str, Any]) -> int | None:
    """How often the test split of its own data was scored with a model before its card came to this machine; None where it does not tell.

    An own model's card counts each look; a shipped one's, those of whoever made it.
    """
    known = [
        whole(part(part(card, "figures"), name).get("uses"))
        for name in part(card, "figures")
        if name.startswith("test")
    ]
    return max((uses for uses in known if uses is not None), default=None)


def _read_line(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):  # a line that a crash cut off
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
    card = read_bundle(bundle.path).card  # as it is now: another split may have been scored since it was read
    if split == "test":
        measured["uses"] = (uses_in_card(card) or 0) + 1
    write_card(bundle.path / CARD, card | {"figures": card.get("figures", {}) | {name: measured}})
