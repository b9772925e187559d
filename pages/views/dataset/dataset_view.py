"""A data set with everything that the views compute from it, once for all sessions."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import streamlit as st

from fer_core.data import SPLITS, UNLABELLED, Dataset
from fer_core.data.vote_counts import Votes
from fer_core.quality import result_cache
from fer_core.quality.agreement import Agreement, agreement, majority_columns
from fer_core.quality.copies import CopyGroup, copy_groups
from fer_core.quality.statistics import Statistics, statistics
from fer_core.quality.tags import Tags
from fer_core.quality.verdicts import Verdict, Verdicts
from pages.session import background, evaluations

UNKNOWN = "unlabelled"


class DatasetView:
    """A data set, its votes and its statistics. What has not been computed yet is None."""

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.key = result_cache.key(data)
        self.votes: Votes | None = evaluations.votes_beside(data)

    @property
    def labels(self) -> list[str]:
        """Return the names of the labels; the last one stands for UNLABELLED, which is -1."""
        return [*self.data.label_names, *([UNKNOWN] if np.any(self.data.labels == UNLABELLED) else [])]

    def label(self, index: int) -> str:
        """Return the label of an image."""
        value = int(self.data.labels[index])
        return UNKNOWN if value == UNLABELLED else self.data.label_names[value]

    def split(self, index: int) -> str:
        """Return the split of an image."""
        return SPLITS[self.data.splits[index]]

    @cached_property
    def _votes_hash(self) -> int:
        """Return a part of cache keys: the votes may be replaced by an upload."""
        return 0 if self.votes is None else hash(self.votes.counts.tobytes())

    @property
    def statistics(self) -> Statistics:
        return _statistics(self.data, self.key)

    @property
    def sharpness_rank(self) -> np.ndarray:
        """Return the ranks (N,) float32, from 0 for the most blurred image to 100 for the sharpest."""
        return _rank(self.data, self.key)

    @property
    def agreement(self) -> Agreement | None:
        return None if self.votes is None else _agreement(self.data, self.votes, self.key, self._votes_hash)

    @property
    def majority_column(self) -> np.ndarray | None:
        """Return the column of each image in the matrix of `agreement`, (N,) int64."""
        return (
            None
            if self.votes is None
            else _majority_column(self.votes, len(self.data.label_names), self.key, self._votes_hash)
        )

    def copies(self, near: bool) -> list[CopyGroup] | None:
        """Return all groups of copies, or None where near copies have not been searched for."""
        if near and not result_cache.path("near-copies", self.data).is_file():
            return background.result(self.near_task)
        return _copies(self.data, self.key, near)

    @property
    def near_task(self) -> str:
        return f"near copies {self.key}"

    def find_near_copies(self) -> None:
        """Start the search for near copies in the background."""
        data = self.data
        background.start(
            self.near_task,
            "Looking for near copies",
            lambda on_progress: copy_groups(data, on_progress=on_progress),
        )

    def copies_of(self, index: int) -> np.ndarray:
        """Return the positions of the copies of an image; with near copies, if searched for."""
        for group in self.copies(near=True) or []:
            if index in group.members:
                return group.members[group.members != index]
        same = np.flatnonzero(self.data.digests == self.data.digests[index])
        return same[same != index]

    @property
    def verdicts(self) -> Verdicts:
        return Verdicts(self.data)

    @cached_property
    def tags(self) -> dict[int, tuple[str, ...]]:
        """Return the tags of each tagged face by position."""
        return Tags(self.data).all()

    def current_verdicts(self) -> dict[int, Verdict]:
        """Return the current verdicts by position."""
        return self.verdicts.all()


def in_words(verdict: Verdict | None, label: str) -> str:
    """Return a verdict as a caption; empty without a verdict.

    Args:
        verdict: The verdict.
        label: The label in these data; a variant has that of the verdict already.
    """
    if verdict is None:
        return ""
    if verdict.verdict == "wrong":
        return f"✓ {label} by your verdict" if verdict.label == label else f"✗ is {verdict.label}"
    return {"right": "✓ right", "ambiguous": "≈ ambiguous", "not a face": "∅ not a face"}[verdict.verdict]


@st.cache_resource(max_entries=3, show_spinner="Measuring the images ...")
def _statistics(_data: Dataset, key: str) -> Statistics:
    return statistics(_data)


@st.cache_resource(max_entries=3, show_spinner=False)
def _rank(_data: Dataset, key: str) -> np.ndarray:
    order = np.argsort(_statistics(_data, key).sharpness, kind="stable")
    rank = np.empty(len(order), np.float32)
    rank[order] = np.linspace(0, 100, len(order), dtype=np.float32)
    return rank


@st.cache_resource(max_entries=3, show_spinner=False)
def _agreement(_data: Dataset, _votes: Votes, key: str, votes_hash: int) -> Agreement:
    return agreement(_data, _votes)


@st.cache_resource(max_entries=3, show_spinner=False)
def _majority_column(_votes: Votes, classes: int, key: str, votes_hash: int) -> np.ndarray:
    return majority_columns(_votes, classes)


@st.cache_resource(max_entries=4, show_spinner="Looking for copies ...")
def _copies(_data: Dataset, key: str, near: bool) -> list[CopyGroup]:
    return copy_groups(_data, near)
