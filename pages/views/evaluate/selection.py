"""The selected evaluation: predictions of a model on a split, computed here or loaded from a saved record."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.bundles.bundle import Bundle, read_bundle, views_inside
from fer_core.bundles.classifier import Classifier
from fer_core.data import Dataset
from fer_core.errors import DataError, ModelError
from fer_core.evaluation import record as records
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.scoring import THREADS, Scored, score
from fer_core.metrics.classification import Evaluation, evaluate
from fer_core.quality import result_cache
from fer_core.wording import plural
from pages.session import background, data_source, evaluations, model_choice, source_link, visitor
from pages.session.foreign_text import plain
from pages.widgets import source_picker
from pages.widgets.durations import duration

SPLITS = ("validation", "test", "train")  # the split for model selection comes first
_ON, _SOURCE = "evaluate_on", "evaluate_source"
_HERE = "here"
_OTHER = "other "  # and the name of a source that is not the current one
_LABELS, _VOTES = "FER2013 labels", "FER+ votes"
_AT_ONCE = 1500  # images that are classified while the page waits; more run in the background
_ASK_SECONDS = 20.0  # longer work begins only when it is asked for
_TIMED = 32  # images whose classification gives the time of the others


@dataclass(frozen=True)
class Selection:
    """The predictions of a model on the images of one split."""

    record: EvaluationRecord
    data: Dataset | None  # None: the images are not available here
    indices: np.ndarray | None  # (n,) positions of the record's images in the data
    bundle: Bundle
    key: str  # cache key, different for each selection

    @cached_property
    def _result(self) -> Evaluation:
        return evaluate(
            self.record.probabilities, self.record.true, self.record.labels, leaked=self.record.leaked
        )

    def result(self) -> Evaluation:
        """Return the figures."""
        return self._result


def choose() -> Selection | None:
    """Draw the boxes and return the selected evaluation; draw why and return None while there is none.

    Raises:
        FerError: The data cannot be read, or the model cannot be evaluated on them.
    """
    left, middle, right = st.columns([6, 7, 7], vertical_alignment="bottom")
    with left:
        bundle = model_choice.choose("evaluate_model")
    _choose_fer2013()
    saved = {r.fingerprint: r for r in reversed(saved_evaluations(bundle))}
    first = _own_figures(bundle, saved)
    data, problem = _data() if first == _HERE else (None, "")
    elsewhere = {name: r for name, r in saved.items() if data is None or name != data.fingerprint}
    with middle:
        on = _choose_data(elsewhere, first)
    if on == _HERE:
        if first != _HERE:
            data_source.choose(data_source.DEFAULT)  # the drawn faces are chosen from now on
            st.rerun()
        if data is None:
            raise DataError(problem)
        return _live(bundle, data, right)
    return _from_file(bundle, on, right)


def record_of(selection: Selection, bundle: Bundle) -> EvaluationRecord | None:
    """Return the predictions of another model on the same images; without them, draw why and return None."""
    selected = selection.record
    if selection.data is not None:
        votes = evaluations.votes_beside(selection.data) if selected.truth == "votes" else None
        try:
            scored = _scored(
                bundle,
                selection.data,
                selected.split,
                "none" if views_inside(bundle.card) > 1 else selected.tta,
            )
        except ModelError as error:
            st.warning(plain(error), icon=":material/info:")
            return None
        if scored is None:
            return None
        other = (
            scored.record
            if votes is None or scored.record.votes is not None
            else _with_votes(scored.record, votes.counts[scored.indices])
        )
        return other.by_votes() if selected.truth == "votes" else other
    for other in saved_evaluations(bundle):
        if (other.fingerprint, other.split) == (selected.fingerprint, selected.split):
            other = other.by_votes() if selected.truth == "votes" and other.votes is not None else other
            if np.array_equal(other.rows, selected.rows):
                return other
    st.info(
        f"{plain(bundle.name)} has no saved evaluation on {plain(selected.split)} of "
        f"{plain(selected.source)}, and the images are "
        "not available here.",
        icon=":material/image_not_supported:",
    )
    return None


def _choose_fer2013() -> None:
    """Choose FER2013 where nothing was chosen yet and the data folder has it."""
    if data_source.is_chosen() or (path := data_source.fer2013()) is None:
        return
    try:
        data_source.choose(str(path))
        source_link.follow()
    except DataError as error:
        st.warning(plain(visitor.hide_folders(str(error))), icon=":material/info:")


def _own_figures(bundle: Bundle, saved: dict[str, EvaluationRecord]) -> str:
    """Return the evaluation that is shown first: until data were chosen, the one that came with the model.

    A model that was trained on drawn faces is shown on those, since the app can draw them.
    """
    own = saved.get(str(bundle.card.get("data", {}).get("fingerprint")))
    if data_source.is_chosen() or own is None or own.source.startswith("synthetic"):
        return _HERE
    return own.fingerprint


def _data() -> tuple[Dataset | None, str]:
    """Return the current data set, or the reason why it cannot be read."""
    try:
        return data_source.dataset(), ""
    except DataError as error:
        return None, str(error)


def _choose_data(elsewhere: dict[str, EvaluationRecord], first: str) -> str:
    chosen = st.session_state.get(_ON)
    if chosen is not None and chosen.startswith(_OTHER):
        del st.session_state[_ON]
        source_picker.use(chosen.removeprefix(_OTHER))
    here = source_link.name_of(data_source.current())
    options = [
        _HERE,
        *elsewhere,
        *(f"{_OTHER}{name}" for name in source_picker.options() if name != here),
    ]
    current_name = data_source.display_name(data_source.current())
    source = data_source.current() if data_source.is_chosen() else ""
    if st.session_state.setdefault(_SOURCE, source) != source:  # other data were chosen, so they are shown
        st.session_state[_SOURCE] = source
        st.session_state.pop(_ON, None)
    linked = st.query_params.get(_ON)
    if linked is not None and st.session_state.get("evaluate_on_linked") != linked and linked in options:
        st.session_state[_ON] = linked  # only once: from then on the box decides
    if st.session_state.get(_ON) not in (None, *options):  # the new model has no such evaluation
        del st.session_state[_ON]
    on = st.selectbox(
        "On",
        options,
        index=options.index(first),
        key=_ON,
        persist_state="session",
        format_func=lambda option: (
            plain(current_name)
            if option == _HERE
            else source_picker.label(option.removeprefix(_OTHER))
            if option.startswith(_OTHER)
            else f"{plain(elsewhere[option].source)} (saved)"
        ),
        help="The data set of all pages, an evaluation that was saved with the model and needs no images, or "
        "other data to read.",
    )
    source_picker.show_problem()
    if on == first:
        st.query_params.pop(_ON, None)
    else:
        st.query_params[_ON] = on
    st.session_state["evaluate_on_linked"] = st.query_params.get(_ON)
    return on


def _choose_split(names: list[str], place: DeltaGenerator) -> str:
    key = f"evaluate_split_{'_'.join(names)}"  # a link uses the parameter split instead
    if key not in st.session_state and st.query_params.get("split") in names:
        st.session_state[key] = st.query_params["split"]
    split = place.segmented_control(
        "Split",
        names,
        format_func=plain,
        default=None if key in st.session_state else names[0],
        required=True,
        key=key,
        persist_state="session",
    )
    assert split is not None  # required
    if split == names[0]:
        st.query_params.pop("split", None)
    else:
        st.query_params["split"] = split
    return split


def _live(bundle: Bundle, data: Dataset, place: DeltaGenerator) -> Selection | None:
    split = _choose_split([name for name in SPLITS if name in data.split_names()], place)
    inside = views_inside(bundle.card)
    votes = evaluations.votes_beside(data)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        truth = _choose_truth(bundle, votes is not None)
        flip = inside == 1 and st.toggle(
            "Also mirrored",
            key="evaluate_flip",
            help="Average over each face and its mirror image (test-time augmentation).",
        )
    scored = _scored(bundle, data, split, "flip" if flip else "none")
    if scored is None:
        return None
    record, indices = scored.record, scored.indices
    if votes is not None:
        record = _with_votes(record, votes.counts[indices])  # uploaded votes are not in the saved record
    if truth == "votes" and votes is not None:
        agreed = votes.agreed(indices)[0]
        record, indices = record.by_votes(), agreed
    key = (
        f"{visitor.key()} {records.model_hash(bundle)} {result_cache.key(data)} {split} {record.tta} {truth}"
    )
    return Selection(record, data, indices, bundle, key)


def _from_file(bundle: Bundle, fingerprint: str, place: DeltaGenerator) -> Selection | None:
    by_split = {
        record.split: record
        for record in reversed(saved_evaluations(bundle))
        if record.fingerprint == fingerprint
    }
    split = _choose_split([name for name in SPLITS if name in by_split], place)
    record = by_split[split]
    if _choose_truth(bundle, record.votes is not None) == "votes":
        record = record.by_votes()
    key = f"{visitor.key()} {records.model_hash(bundle)} {fingerprint} {split} {record.tta} {record.truth}"
    return Selection(record, None, None, bundle, key)


def _choose_truth(bundle: Bundle, has_votes: bool) -> str:
    if not has_votes:
        return "labels"
    by_votes = bundle.card.get("truth") == "votes"
    truth = st.segmented_control(
        "Compare with",
        [_LABELS, _VOTES],
        default=_VOTES if by_votes else _LABELS,
        required=True,
        key=f"evaluate_truth_{'FER+ voters' if by_votes else 'Labels'}",
        help="The labels of the data, or the class with more than half of the FER+ votes.",
    )
    return "votes" if truth == _VOTES else "labels"


def _with_votes(record: EvaluationRecord, counts: np.ndarray) -> EvaluationRecord:
    return dataclasses.replace(record, votes=counts)


def _scored(bundle: Bundle, data: Dataset, split: str, tta: str) -> Scored | None:
    """Evaluate against the labels; draw a progress bar and return None while many faces are classified."""
    name = records.file_name(data, split, tta)
    if len(data.indices(split)) <= _AT_ONCE or _is_saved(str(bundle.path), name, tta, _last_changes(bundle)):
        return evaluations.scored(bundle, data, split, tta)
    task = f"evaluate {records.model_hash(bundle)} {name}"
    if (scored := background.result(task)) is not None:
        return scored
    count = len(data.indices(split))
    seconds = (
        count * _seconds_per_face(bundle, str(bundle.path), _last_changes(bundle)) * (1 + (tta == "flip"))
    )
    is_long = seconds > _ASK_SECONDS
    if background.show_progress(task, can_cancel=is_long) or background.failed(task):
        return None
    if is_long:
        st.info(
            f"{plain(bundle.name)} has not classified the {plural(count, 'face')} of {plain(split)} yet. "
            f"This takes about {duration(seconds)} in the background, and the answers are kept.",
            icon=":material/hourglass_top:",
        )
        if not st.button("Classify them", key=f"evaluate_classify {task}", icon=":material/play_arrow:"):
            return None
    background.start(
        task,
        f"{bundle.name} classifies {plural(count, 'face')}",
        lambda on_progress: score(bundle, data, split, tta, on_progress=on_progress),
    )
    if is_long:
        st.rerun()  # without the question
    background.show_progress(task)
    return None


def saved_evaluations(bundle: Bundle) -> list[EvaluationRecord]:
    """Return the saved evaluations of a model, in the order of the box."""
    return _saved_records(str(bundle.path), _last_changes(bundle))


def _last_changes(bundle: Bundle) -> tuple[str | int, ...]:
    """Return a cache key: the visitor, and when the model and its evaluations were last changed."""
    return visitor.key(), *(_modified(path) for path in (*records.folders(bundle), bundle.inference_file))


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_data(max_entries=20, show_spinner=False)
def _seconds_per_face(_bundle: Bundle, path: str, changes: tuple[str | int, ...]) -> float:
    """Return the time that a model takes for a face of many, in seconds, measured here."""
    classifier = Classifier(_bundle, threads=THREADS)
    faces = np.zeros((_TIMED, 48, 48), np.uint8)
    classifier.probabilities(faces)  # the first call also sets the model up
    started = time.perf_counter()
    classifier.probabilities(faces)
    return (time.perf_counter() - started) / _TIMED


@st.cache_resource(max_entries=8, show_spinner=False)
def _saved_records(path: str, changes: tuple[str | int, ...]) -> list[EvaluationRecord]:
    return [record for record in records.stored(read_bundle(Path(path))) if record.tta == "none"]


@st.cache_data(max_entries=50, show_spinner=False)
def _is_saved(path: str, name: str, tta: str, changes: tuple[str | int, ...]) -> bool:
    return records.find(read_bundle(Path(path)), name, tta) is not None
