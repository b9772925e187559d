"""Robustness: accuracy by corruption and level, example images, and other models for comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.bundles.bundle import Bundle
from fer_core.data import open_dataset
from fer_core.data.dataset import stratified
from fer_core.errors import FerError
from fer_core.evaluation.record import model_hash
from fer_core.metrics.classification import wilson_interval
from fer_core.robustness import robustness as core
from fer_core.robustness.corruptions import CORRUPTIONS, LEVELS, corrupt
from fer_core.robustness.robustness import Robustness
from pages.session import background, cached_models, model_choice
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import faces
from pages.widgets.durations import duration

from . import small_multiples
from .selection import Selection

_SIZES = (100, 200, core.IMAGES)
_PASSES = len(CORRUPTIONS) * len(LEVELS) + 1
_IMAGES_A_SECOND = 500
_EMBEDDED = "synthetic:70"
_AT_MOST = 4  # models in one chart


def show(selection: Selection) -> None:
    """Draw the view."""
    st.markdown(
        f"The same faces with {len(CORRUPTIONS)} kinds of corruption at {len(LEVELS)} levels, in the style "
        "of ImageNet-C (Hendrycks and Dietterich 2019). The levels were chosen for 48x48 pixels: compare "
        "models here, not with published figures."
    )
    size = st.segmented_control(
        "Images",
        _SIZES,
        default=_SIZES[-1],
        required=True,
        key="robustness_images",
        bind="query-params",
        help="A stratified random sample. More images make the intervals narrower.",
    )
    sample = stratified(selection.record.true, size)
    measured_on = core.key(selection.record, sample)
    result = core.load(selection.bundle, measured_on)
    if result is None:
        _offer(selection, selection.bundle, sample, measured_on)
    else:
        _results(selection, result, sample, measured_on)
    st.subheader("Example images")
    _samples(selection, sample, result)


def name_of(corruption: str) -> str:
    """Return the display name of a corruption, such as "JPEG compression"."""
    return corruption.replace("_", " ").replace("jpeg", "JPEG")


def _offer(
    selection: Selection, bundle: Bundle, sample: np.ndarray, measured_on: str, key: str = "robustness_start"
) -> None:
    task = f"robustness {model_hash(bundle)} {measured_on}"
    if background.show_progress(task):
        return
    if selection.data is None or selection.indices is None:
        st.info(
            f"{plain(bundle.name)} has not been measured on these {len(sample):,} images yet, and they are "
            f"not available here: choose {plain(selection.record.source)} on the Dataset page to measure it.",
            icon=":material/image_not_supported:",
        )
        return
    images, record = selection.data.images[selection.indices[sample]], selection.record

    def work(on_progress: background.OnProgress) -> Robustness | None:
        measured = core.robustness(bundle, images, record.true[sample], record.labels, on_progress)
        if measured is not None:
            core.save(bundle, measured_on, measured)
        return measured

    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Measure {plain(bundle.name)}", key=key, type="primary", icon=":material/blur_on:"):
            background.start(task, f"{bundle.name} classifies {_PASSES} x {len(sample):,} faces", work)
            st.rerun()
        time = duration(_PASSES * len(sample) / _IMAGES_A_SECOND)
        st.caption(
            f"{_PASSES} x {len(sample):,} faces, about {time}, once; the app can be used meanwhile.",
            width="stretch",
        )


def _results(selection: Selection, result: Robustness, sample: np.ndarray, measured_on: str) -> None:
    low, high = wilson_interval(result.clean, result.count)
    lost = result.mean_accuracy - result.clean_accuracy
    with st.container(horizontal=True):
        st.metric(
            "Clean",
            f"{result.clean_accuracy:.1%}",
            border=True,
            width=210,
            delta=f"95%: {low:.1%} to {high:.1%}",
            delta_color="off",
            delta_arrow="off",
            help=f"Accuracy on the same {result.count:,} images, unchanged.",
        )
        st.metric(
            "Corrupted",
            f"{result.mean_accuracy:.1%}",
            border=True,
            width=210,
            delta=f"{100 * lost:+.1f} points",
            help="Mean accuracy over all corruptions and levels.",
        )
    st.markdown(in_words(result))
    others = _others(selection, sample, measured_on)
    small_multiples.show(
        [result, *others], [(name, name_of(name)) for name in result.worst_first], "robustness_curves"
    )
    st.caption(
        f"Accuracy on {result.count:,} images at levels 1 to 5 with 95% intervals, the worst corruption "
        "first; the dashed line is the accuracy on clean images. All models see the same images; where two "
        "bands overlap much, the difference may be noise."
    )
    with st.expander("As a table", icon=":material/table:"):
        _table([result, *others])


def in_words(result: Robustness) -> str:
    """Describe the worst corruption, and those without a measurable effect."""
    worst = result.worst_first[0]
    at_last = result.accuracies(worst)[-1]
    low, high = result.intervals(worst)[-1]
    sentence = (
        f"The worst is **{plain(name_of(worst))}**: {result.mean(worst):.1%} over its levels, and at level 5 "
        f"**{at_last:.1%}** (95% interval {low:.1%} to {high:.1%}) instead of {result.clean_accuracy:.1%}."
    )
    clean = wilson_interval(result.clean, result.count)
    harmless = [
        name_of(name) for name in reversed(result.worst_first) if result.intervals(name)[-1][1] >= clean[0]
    ]
    if harmless:
        listed = harmless[0] if len(harmless) == 1 else f"{', '.join(harmless[:-1])} and {harmless[-1]}"
        sentence += (
            f" For {plain(listed)}, the intervals still overlap at level 5: on {result.count:,} images, that "
            "may be noise."
        )
    return sentence


def _others(selection: Selection, sample: np.ndarray, measured_on: str) -> list[Robustness]:
    """Draw the box that chooses models for comparison, and return their results."""
    paths = {
        path: name for path, name in model_choice.options().items() if path != str(selection.bundle.path)
    }
    if not paths:
        return []
    picked = st.multiselect(
        "Compare with",
        list(paths),
        format_func=paths.__getitem__,
        key="robustness_compare",
        max_selections=_AT_MOST - 1,
        persist_state="session",
    )
    results = []
    for path in picked:
        with errors_shown(stop=False):
            bundle = model_choice.bundle_at(path)
            result = core.load(bundle, measured_on)
            if result is None:
                _offer(selection, bundle, sample, measured_on, f"robustness_start_{path}")
            else:
                results.append(result)
    return results


def _table(results: list[Robustness]) -> None:
    rows = []
    for name in results[0].worst_first:
        for result in results:
            row = {"Corruption": name_of(name), "Model": result.model, "Mean": result.mean(name)}
            rows.append(
                row
                | {
                    f"Level {level}": value
                    for level, value in zip(LEVELS, result.accuracies(name), strict=True)
                }
            )
    frame = pd.DataFrame(rows)
    config = {column: st.column_config.NumberColumn(format="percent") for column in frame.columns[2:]}
    st.dataframe(
        frame if len(results) > 1 else frame.drop(columns="Model"),
        hide_index=True,
        column_config=config,
        alt="Accuracy by corruption and level",
    )


def _samples(selection: Selection, sample: np.ndarray, result: Robustness | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.segmented_control(
            "Level", LEVELS, default=3, required=True, key="robustness_level", bind="query-params"
        )
        st.button("Another face", key="robustness_another", icon=":material/casino:", on_click=_another)
    turn = st.session_state.get("robustness_face", 0)
    if selection.data is None or selection.indices is None:
        data = open_dataset(_EMBEDDED)
        image, true = (
            np.asarray(data.images[turn % len(data)]),
            data.label_names[data.labels[turn % len(data)]],
        )
        st.caption("The images are not available here, so this is an embedded drawing.")
    else:
        position = int(np.random.default_rng(turn).permutation(sample)[0])
        image, true = (
            np.asarray(selection.data.images[selection.indices[position]]),
            selection.record.labels[selection.record.true[position]],
        )
    names = result.worst_first if result else list(CORRUPTIONS)
    pictures = np.stack([image, *(corrupt(image[None], name, level, seed=turn)[0] for name in names)])
    try:
        rows = cached_models.predictor(selection.bundle).classifier.probabilities(pictures)
    except FerError as error:
        st.error(plain(error), icon=":material/error:")
        return
    predicted = [f"{selection.bundle.labels[row.argmax()]}" for row in rows]
    faces.gallery(
        pictures,
        predicted,
        [
            f"{what} · {row.max():.0%}"
            for what, row in zip(["clean", *map(name_of, names)], rows, strict=True)
        ],
    )
    right = sum(label == true for label in predicted[1:])
    st.caption(
        f"One face (true class {plain(true)}) and the predictions of "
        f"{plain(selection.bundle.name)}: right for {right} of "
        f"{len(names)} corrupted images. One face proves nothing; the curves show many."
    )


def _another() -> None:
    st.session_state["robustness_face"] = st.session_state.get("robustness_face", 0) + 1
