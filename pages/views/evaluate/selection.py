"""What the views show: the answers of one model on one split, of the data at hand or of an evaluation that was kept."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import streamlit as st

from fer_core.bundle import Bundle, read_bundle, views_inside
from fer_core.data import Dataset
from fer_core.errors import DataError, ModelError
from fer_core.evaluation import record as records
from fer_core.evaluation.metrics import Evaluation, evaluate
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.scoring import Scored, score
from fer_core.quality import kept
from pages.shared import background, scores, state, visitor

SPLITS = ("validation", "test", "train")  # the one to choose by comes first
_ON = "evaluate_on"
_HERE = "here"
_AT_ONCE = 1500  # so many images are classified while the page waits; more have a bar


@dataclass(frozen=True)
class Chosen:
    """The answers of a model on the images of one split."""

    record: EvaluationRecord
    data: Dataset | None  # None: the images are not on this machine
    indices: np.ndarray | None  # (n,) positions of the record's images in the data
    bundle: Bundle
    key: str  # changes with whatever is shown

    @cached_property
    def _result(self) -> Evaluation:
        return evaluate(
            self.record.probabilities, self.record.true, self.record.labels, leaked=self.record.leaked
        )

    def result(self) -> Evaluation:
        """The figures."""
        return self._result


def choose() -> Chosen | None:
    """The boxes to choose by, and what they choose; None, and a bar or a sentence, while there is nothing to show.

    Raises:
        FerError: the data cannot be read, or the model cannot be scored on them.
    """
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        bundle = state.choose_model("evaluate_model")
    data, problem = _data()
    elsewhere = {
        r.fingerprint: r
        for r in reversed(kept_evaluations(bundle))
        if data is None or r.fingerprint != data.fingerprint
    }
    with middle:
        on = _choose_data(data, elsewhere)
    if on == _HERE:
        if data is None:
            raise DataError(problem)
        return _live(bundle, data, right)
    return _from_file(bundle, on, right)


def record_of(chosen: Chosen, bundle: Bundle) -> EvaluationRecord | None:
    """What another model answers on the same images; None, and a bar or a sentence, while it is not known."""
    mine = chosen.record
    if chosen.data is not None:
        votes = scores.votes_beside(chosen.data) if mine.truth == "votes" else None
        try:
            scored = _scored(
                bundle, chosen.data, mine.split, "none" if views_inside(bundle.card) > 1 else mine.tta
            )
        except ModelError as error:
            st.warning(str(error), icon=":material/info:")
            return None
        if scored is None:
            return None
        other = (
            scored.record
            if votes is None or scored.record.votes is not None
            else _with_votes(scored.record, votes.counts[scored.indices])
        )
        return other.by_votes() if mine.truth == "votes" else other
    for other in kept_evaluations(bundle):
        if (other.fingerprint, other.split) == (mine.fingerprint, mine.split):
            other = other.by_votes() if mine.truth == "votes" and other.votes is not None else other
            if np.array_equal(other.rows, mine.rows):
                return other
    st.info(
        f"{bundle.name} has no evaluation on {mine.split} of {mine.source} that was kept, and the images are not here to make one.",
        icon=":material/image_not_supported:",
    )
    return None


def _data() -> tuple[Dataset | None, str]:
    """The data set of all pages, or why it cannot be read."""
    try:
        return state.dataset(), ""
    except DataError as error:
        return None, str(error)


def _choose_data(data: Dataset | None, elsewhere: dict[str, EvaluationRecord]) -> str:
    options = [_HERE, *elsewhere]
    here = state.source_name(state.source())
    linked = st.query_params.get(_ON)
    if linked is not None and st.session_state.get("evaluate_on_linked") != linked and linked in options:
        st.session_state[_ON] = linked  # once: then the box decides
    if st.session_state.get(_ON) not in (None, *options):  # the other model has no such evaluation
        del st.session_state[_ON]
    on = st.selectbox(
        "On",
        options,
        key=_ON,
        persist_state="session",
        format_func=lambda option: here if option == _HERE else f"{elsewhere[option].source} (kept figures)",
        help="The data of the Dataset page, or an evaluation that was kept with the model and needs no images.",
    )
    if on == _HERE:
        st.query_params.pop(_ON, None)
    else:
        st.query_params[_ON] = on
    st.session_state["evaluate_on_linked"] = st.query_params.get(_ON)
    return on


def _choose_split(names: list[str], place) -> str:
    key = f"evaluate_split_{'_'.join(names)}"  # a link names the split, whatever splits there are
    if key not in st.session_state and st.query_params.get("split") in names:
        st.session_state[key] = st.query_params["split"]
    split = place.segmented_control(
        "Split",
        names,
        default=None if key in st.session_state else names[0],
        required=True,
        key=key,
        persist_state="session",
    )
    if split == names[0]:
        st.query_params.pop("split", None)
    else:
        st.query_params["split"] = split
    return split


def _live(bundle: Bundle, data: Dataset, place) -> Chosen | None:
    split = _choose_split([name for name in SPLITS if name in data.split_names()], place)
    inside = views_inside(bundle.card)
    votes = scores.votes_beside(data)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        truth = _choose_truth(bundle, votes is not None)
        flip = inside == 1 and st.toggle(
            "Mirror too",
            key="evaluate_flip",
            help="Average over each face and its mirror image (test-time augmentation).",
        )
    scored = _scored(bundle, data, split, "flip" if flip else "none")
    if scored is None:
        return None
    record, indices = scored.record, scored.indices
    if votes is not None:
        record = _with_votes(
            record, votes.counts[indices]
        )  # those uploaded here are not in the record's file
    if truth == "votes":
        agreed = votes.agreed(indices)[0]  # type: ignore[union-attr]
        record, indices = record.by_votes(), agreed
    key = f"{visitor.key()} {records.model_hash(bundle)} {kept.key(data)} {split} {record.tta} {truth}"
    return Chosen(record, data, indices, bundle, key)


def _from_file(bundle: Bundle, fingerprint: str, place) -> Chosen | None:
    found = {
        record.split: record
        for record in reversed(kept_evaluations(bundle))
        if record.fingerprint == fingerprint
    }
    split = _choose_split([name for name in SPLITS if name in found], place)
    record = found[split]
    if _choose_truth(bundle, record.votes is not None) == "votes":
        record = record.by_votes()
    key = f"{visitor.key()} {records.model_hash(bundle)} {fingerprint} {split} {record.tta} {record.truth}"
    return Chosen(record, None, None, bundle, key)


def _choose_truth(bundle: Bundle, there_are_votes: bool) -> str:
    if not there_are_votes:
        return "labels"
    own = "FER+ voters" if bundle.card.get("truth") == "votes" else "Labels"
    truth = st.segmented_control(
        "True is what say",
        ["Labels", "FER+ voters"],
        default=own,
        required=True,
        key=f"evaluate_truth_{own}",
        help="The labels of the data, or the class that more than half of the FER+ votes agree on.",
    )
    return "votes" if truth == "FER+ voters" else "labels"


def _with_votes(record: EvaluationRecord, counts: np.ndarray) -> EvaluationRecord:
    return dataclasses.replace(record, votes=counts)


def _scored(bundle: Bundle, data: Dataset, split: str, tta: str) -> Scored | None:
    """By the labels; None, and a bar, while a model looks at many faces."""
    name = records.file_name(data, split, tta)
    if len(data.indices(split)) <= _AT_ONCE or _is_kept(str(bundle.path), name, tta, _changes(bundle)):
        return scores.scored(bundle, data, split, tta)
    task = f"evaluate {records.model_hash(bundle)} {name}"
    if (found := background.result(task)) is not None:
        return found
    if not background.under_way(task):
        if background.failed(task):
            return None
        background.start(
            task,
            f"{bundle.name} looks at {len(data.indices(split)):,} faces",
            lambda tell: score(bundle, data, split, tta, on_progress=tell),
        )
        background.under_way(task)
    return None


def kept_evaluations(bundle: Bundle) -> list[EvaluationRecord]:
    """The evaluations that were kept of a model, in the order in which they are offered."""
    return _kept_records(str(bundle.path), _changes(bundle))


def _changes(bundle: Bundle) -> tuple[str | int, ...]:
    """Whose it is, and when the model or what is kept of it was last written."""
    return visitor.key(), *(_changed(path) for path in (*records.folders(bundle), bundle.inference_file))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_resource(max_entries=8, show_spinner=False)
def _kept_records(path: str, changed: tuple[str | int, ...]) -> list[EvaluationRecord]:
    return [record for record in records.kept(read_bundle(Path(path))) if record.tta == "none"]


@st.cache_data(max_entries=50, show_spinner=False)
def _is_kept(path: str, name: str, tta: str, changed: tuple[str | int, ...]) -> bool:
    return records.find(read_bundle(Path(path)), name, tta) is not None
