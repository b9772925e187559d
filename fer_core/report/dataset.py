"""Report on a data set: its content and its problems, on one page."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from ..bundles.bundle import Bundle
from ..data.dataset import SPLITS, UNLABELLED, Dataset
from ..data.measures import MEASURES
from ..data.vote_counts import Votes
from ..errors import DataError
from ..evaluation.scoring import score
from ..quality import cross_validation
from ..quality.agreement import agreement, votes_in_words
from ..quality.copies import copy_groups, leaked_near
from ..quality.label_issues import label_issues, lift
from ..quality.statistics import oddities, statistics
from .page import render

_SHOWN = 24


def dataset_report(
    dataset: Dataset, votes: Votes | None = None, bundle: Bundle | None = None, near: bool = True
) -> str:
    """Render the report as HTML.

    Args:
        votes: FER+ votes; without them their section is left out.
        bundle: Model for the labels in doubt on validation and test, on which it was not trained, if there is
            no cross-validation of this data.
        near: Also find near copies, which takes a minute for FER2013 the first time.
    """
    measured = statistics(dataset)
    names = [*dataset.label_names, "unlabelled"]
    counts = dataset.counts()
    totals = {name: [split.get(name, 0) for split in counts.values()] for name in names}
    shares = {name: sum(row) / len(dataset) for name, row in totals.items()}
    groups = copy_groups(dataset, near)
    source = dataset.source if ":" in dataset.source else Path(dataset.source).name
    issues, no_issues = _issues(dataset, votes, bundle)
    return render(
        "dataset.html.j2",
        title=f"{source}: what is in the data",
        name=source,
        format=dataset.format,
        fingerprint=dataset.fingerprint,
        total=len(dataset),
        counts=counts,
        warnings=dataset.warnings,
        oddities=oddities(dataset, measured),
        largest=max(shares.values()),
        classes=[
            {"name": n, "counts": totals[n], "share": shares[n]}
            for n in names
            if sum(totals[n]) or n in dataset.label_names
        ],
        mean_faces=[
            {"image": measured.mean_faces[i], "label": n, "note": ""}
            for i, n in enumerate(dataset.label_names)
            if sum(totals[n])
        ],
        measures=[
            {"name": m, "three": np.percentile(getattr(measured, m), [5, 50, 95]).tolist()} for m in MEASURES
        ],
        near=near,
        groups=len(groups),
        across=sum(g.across_splits for g in groups),
        different=sum(g.different_labels for g in groups),
        leaked=int(leaked_near(dataset, groups).sum()) if groups else None,
        copies=[
            _face(dataset, i, SPLITS[dataset.splits[i]])
            for g in groups[: _SHOWN // 2]
            for i in _first_and_other(dataset, g.members)
        ],
        agreement=None if votes is None else _agreement(dataset, votes),
        contested=[]
        if votes is None
        else [
            _face(dataset, i, votes_in_words(votes, i))
            for i in np.argsort(-agreement(dataset, votes).entropy, kind="stable")[:_SHOWN]
        ],
        issues=issues,
        no_issues=no_issues,
        command=f"python -m fer_core data {shlex.quote(source)} --report report.html",
    )


def _first_and_other(dataset: Dataset, members: np.ndarray) -> list[int]:
    """Return the first of a group of copies, and one that differs most from it in split and label."""
    first = members[0]
    differs = (dataset.splits[members] != dataset.splits[first]).astype(int) + (
        dataset.labels[members] != dataset.labels[first]
    )
    return [int(first), int(members[1:][differs[1:].argmax()])]


def _face(dataset: Dataset, index: int, note: str) -> dict[str, Any]:
    label = dataset.labels[index]
    return {
        "image": np.asarray(dataset.images[index]),
        "note": note,
        "label": "unlabelled" if label == UNLABELLED else dataset.label_names[label],
    }


def _agreement(dataset: Dataset, votes: Votes) -> dict[str, Any]:
    result = agreement(dataset, votes)
    rows = [
        {"name": name, "share": agree / max(1, count), "counts": result.matrix[i].tolist()}
        for i, (name, (agree, count)) in enumerate(result.by_class.items())
    ]
    return {
        "share": np.trace(result.matrix) / max(1, result.matrix.sum()),
        "columns": result.columns,
        "rows": rows,
    }


def _issues(
    dataset: Dataset, votes: Votes | None, bundle: Bundle | None
) -> tuple[dict[str, Any] | None, str]:
    """Return the labels in doubt, or why there are none."""
    validated = cross_validation.load(dataset)
    if validated is not None:
        indices, probabilities = validated
        scored_by = "Networks that were trained without them (cross-validation)"
    elif bundle is not None and set(bundle.labels) == set(dataset.label_names):
        parts = []
        for split in ("validation", "test"):
            try:
                parts.append(score(bundle, dataset, split, save=False))
            except DataError:  # absent, or without labels
                continue
        if not parts:
            return None, "There is no labelled validation or test split for the model."
        indices = np.concatenate([part.indices for part in parts])
        probabilities = np.concatenate([part.probabilities for part in parts])
        scored_by = f"The model {bundle.name}, on validation and test images,"
    else:
        return None, "Name a model with --model, or run the command cross-validate first."
    issues = label_issues(probabilities, dataset, indices)
    names = dataset.label_names
    values: dict[str, Any] = {
        "text": f"{scored_by} is confident of another class than the label on {len(issues.indices):,} of "
        f"{len(indices):,} images. The most doubtful ones:",
        "lift": None,
        "faces": [
            _face(dataset, i, f"rather {names[s]} ({d:.2f})")
            for i, s, d in zip(issues.indices[:_SHOWN], issues.suggested, issues.doubt, strict=False)
        ],
    }
    if votes is not None and len(issues.indices):
        checked = lift(issues, dataset, votes, indices)
        low, high = checked.interval
        values["lift"] = (
            f"FER+ voters dispute {checked.rate:.0%} of the first {checked.count:,} ({low:.0%} to "
            f"{high:.0%}), and {checked.random_rate:.0%} of all: "
            f"{checked.lift:.1f} times the rate of a random choice."
        )
    return values, ""
