"""Evaluations and FER+ votes, read or computed once for all sessions."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st

from fer_core.bundles.bundle import Bundle
from fer_core.data import Dataset
from fer_core.data.recipe import SUFFIX, read_recipe
from fer_core.data.vote_counts import Votes
from fer_core.data.votes import find_votes, read_votes
from fer_core.errors import DataError
from fer_core.evaluation.scoring import Scored, score
from fer_core.label_options import split_source

from . import data_source, visitor


def scored(bundle: Bundle, data: Dataset, split: str, tta: str, votes: Votes | None = None) -> Scored:
    """Evaluate a model on a split, or return the cached evaluation."""
    modified = bundle.inference_file.stat().st_mtime_ns if bundle.inference_file.exists() else 0
    return _scored(
        bundle,
        data,
        votes,
        str(bundle.path),
        modified,
        data.fingerprint,
        split,
        tta,
        votes is not None,
        visitor.key(),
    )


def votes_beside(data: Dataset) -> Votes | None:
    """Return the FER+ votes uploaded for the data set or found beside its file; None without any that fit."""
    uploaded = uploaded_votes(data)
    try:
        path = uploaded if uploaded.is_file() else find_votes(data.source)
        return None if path is None else _votes(data, str(path), path.stat().st_mtime_ns, data.fingerprint)
    except (DataError, OSError):  # votes of other data
        return None


def uploaded_votes(data: Dataset) -> Path:
    """Return the path of votes uploaded for the data set. A cleaned variant shares those of its original.

    The name comes from the source, not from the content: votes are joined by row, and the content does not
    fix the order of the rows.
    """
    source = split_source(data.source)[0]
    while source.endswith(SUFFIX):
        try:
            source = split_source(read_recipe(Path(source)).source)[0]
        except DataError:
            break
    return (
        data_source.own_folder() / "uploads" / f"votes-{hashlib.sha256(source.encode()).hexdigest()[:16]}.csv"
    )


@st.cache_resource(max_entries=12, show_spinner="Classifying the faces ...")
def _scored(
    _bundle: Bundle,
    _data: Dataset,
    _votes: Votes | None,
    path: str,
    modified: int,
    fingerprint: str,
    split: str,
    tta: str,
    voted: bool,
    visitor: str,
) -> Scored:
    return score(_bundle, _data, split, tta, votes=_votes)


@st.cache_resource(max_entries=3, show_spinner=False)
def _votes(_data: Dataset, path: str, modified: int, fingerprint: str) -> Votes:
    return read_votes(Path(path), _data)
