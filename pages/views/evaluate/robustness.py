"""How the model fares on worse pictures: accuracy by corruption and level, pictures of each, other models beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.bundle import Bundle
from fer_core.data import open_dataset
from fer_core.data.dataset import stratified
from fer_core.errors import FerError
from fer_core.evaluation.metrics import wilson_interval
from fer_core.evaluation.record import model_hash
from fer_core.robustness import robustness as core
from fer_core.robustness.corruptions import CORRUPTIONS, LEVELS, corrupt
from fer_core.robustness.robustness import Robustness
from pages.shared import background, faces, state

from . import small_multiples
from .chosen import Chosen

_SIZES = (100, 200, core.IMAGES)
_PASSES = len(CORRUPTIONS) * len(LEVELS) + 1
_IMAGES_A_SECOND = 500
_EMBEDDED = "synthetic:70"
_AT_MOST = 4  # models in one chart


def show(chosen: Chosen) -> None:
    """The view."""
    st.markdown(
        f"The same faces again with {len(CORRUPTIONS)} kinds of corruption in {len(LEVELS)} levels, in the manner of ImageNet-C "
        "(Hendrycks and Dietterich 2019). Their strengths were chosen for 48x48 pixels: compare models here, not with published figures."
    )
    size = st.segmented_control(
        "Images",
        _SIZES,
        default=_SIZES[-1],
        required=True,
        key="robustness_images",
        bind="query-params",
        help="Drawn at random, each class with its share. More images make the intervals narrower.",
    )
    sample = stratified(chosen.record.true, size)
    measured_on = core.key(chosen.record, sample)
    result = core.load(chosen.bundle, measured_on)
    if result is None:
        _offer(chosen, chosen.bundle, sample, measured_on)
    else:
        _results(chosen, result, sample, measured_on)
    st.subheader("What they look like")
    _samples(chosen, sample, result)


def name_of(corruption: str) -> str:
    """As people read it: "JPEG compression"."""
    return corruption.replace("_", " ").replace("jpeg", "JPEG")


def _offer(
    chosen: Chosen, bundle: Bundle, sample: np.ndarray, measured_on: str, key: str = "robustness_start"
) -> None:
    task = f"robustness {model_hash(bundle)} {measured_on}"
    if background.under_way(task):
        return
    if chosen.data is None or chosen.indices is None:
        st.info(
            f"{bundle.name} was not tried on these {len(sample):,} images yet, and they are not here: choose {chosen.record.source} on the "
            "Dataset page to try it.",
            icon=":material/image_not_supported:",
        )
        return
    images, record = chosen.data.images[chosen.indices[sample]], chosen.record

    def work(tell: background.Tell) -> Robustness | None:
        made = core.robustness(bundle, images, record.true[sample], record.labels, tell)
        if made is not None:
            core.save(bundle, measured_on, made)
        return made

    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Try {bundle.name} on them", key=key, type="primary", icon=":material/blur_on:"):
            background.start(task, f"{bundle.name} looks at {_PASSES} times {len(sample):,} faces", work)
            st.rerun()
        st.caption(
            f"{_PASSES} times {len(sample):,} faces, about {_guess(_PASSES * len(sample))}, once; the app can be used meanwhile.",
            width="stretch",
        )


def _guess(images: int) -> str:
    seconds = images / _IMAGES_A_SECOND
    return (
        f"{max(5, 5 * round(seconds / 5))} s"
        if seconds < 50
        else "a minute"
        if seconds < 100
        else f"{seconds / 60:.0f} minutes"
    )


def _results(chosen: Chosen, result: Robustness, sample: np.ndarray, measured_on: str) -> None:
    low, high = wilson_interval(result.clean, result.count)
    lost = result.mean_accuracy - result.clean_accuracy
    with st.container(horizontal=True):
        st.metric(
            "Clean",
            f"{result.clean_accuracy:.1%}",
            border=True,
            width=210,
            delta=f"95 %: {low:.1%} to {high:.1%}",
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
    others = _others(chosen, sample, measured_on)
    small_multiples.show(
        [result, *others], [(name, name_of(name)) for name in result.worst_first], "robustness_curves"
    )
    st.caption(
        f"Accuracy on {result.count:,} images at levels 1 to 5, the worst first, with 95 % intervals; the dashed line is clean. "
        "All models see the same images; where two bands overlap much, the difference may be noise."
    )
    with st.expander("As a table", icon=":material/table:"):
        _table([result, *others])


def in_words(result: Robustness) -> str:
    """What is worst and what does no measurable harm, in sentences."""
    worst = result.worst_first[0]
    at_last = result.accuracies(worst)[-1]
    low, high = result.intervals(worst)[-1]
    sentence = (
        f"Worst is **{name_of(worst)}**: {result.mean(worst):.1%} over its levels, and at level 5 **{at_last:.1%}** "
        f"(95 % interval {low:.1%} to {high:.1%}) instead of {result.clean_accuracy:.1%}."
    )
    clean = wilson_interval(result.clean, result.count)
    harmless = [
        name_of(name) for name in reversed(result.worst_first) if result.intervals(name)[-1][1] >= clean[0]
    ]
    if harmless:
        listed = harmless[0] if len(harmless) == 1 else f"{', '.join(harmless[:-1])} and {harmless[-1]}"
        sentence += f" With {listed} the intervals still overlap at level 5: on {result.count:,} images that may be noise."
    return sentence


def _others(chosen: Chosen, sample: np.ndarray, measured_on: str) -> list[Robustness]:
    """The results of the models that are chosen to compare with, where there are any."""
    paths = {path: name for path, name in state.models().items() if path != str(chosen.bundle.path)}
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
    found = []
    for path in picked:
        with state.errors_shown(stop=False):
            bundle = state.bundle_at(path)
            result = core.load(bundle, measured_on)
            if result is None:
                _offer(chosen, bundle, sample, measured_on, f"robustness_start_{path}")
            else:
                found.append(result)
    return found


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


def _samples(chosen: Chosen, sample: np.ndarray, result: Robustness | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.segmented_control(
            "Level", LEVELS, default=3, required=True, key="robustness_level", bind="query-params"
        )
        st.button("Another face", key="robustness_another", icon=":material/casino:", on_click=_another)
    turn = st.session_state.get("robustness_face", 0)
    if chosen.data is None or chosen.indices is None:
        data = open_dataset(_EMBEDDED)
        image, true = (
            np.asarray(data.images[turn % len(data)]),
            data.label_names[data.labels[turn % len(data)]],
        )
        st.caption("The images are not here, so this is an embedded drawing.")
    else:
        position = int(np.random.default_rng(turn).permutation(sample)[0])
        image, true = (
            np.asarray(chosen.data.images[chosen.indices[position]]),
            chosen.record.labels[chosen.record.true[position]],
        )
    names = result.worst_first if result else list(CORRUPTIONS)
    pictures = np.stack([image, *(corrupt(image[None], name, level, seed=turn)[0] for name in names)])
    try:
        rows = state.predictor(chosen.bundle).classifier.probabilities(pictures)
    except FerError as error:
        st.error(str(error), icon=":material/error:")
        return
    said = [f"{chosen.bundle.labels[row.argmax()]}" for row in rows]
    faces.gallery(
        pictures,
        said,
        [
            f"{what} · {row.max():.0%}"
            for what, row in zip(["clean", *map(name_of, names)], rows, strict=True)
        ],
    )
    right = sum(label == true for label in said[1:])
    st.caption(
        f"One face, true {true}, and what {chosen.bundle.name} says: right on {right} of {len(names)} corrupted ones. "
        "One face proves nothing; the curves are of many."
    )


def _another() -> None:
    st.session_state["robustness_face"] = st.session_state.get("robustness_face", 0) + 1
