"""Why a model says what it says of a face: where it looks, what it needs, and what it was taught with; and where it looks by class."""

from __future__ import annotations

import contextlib
import hashlib
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import streamlit as st

from fer_core.bundle import Bundle
from fer_core.data import Dataset
from fer_core.emotions import EMOJI
from fer_core.errors import FerError
from fer_core.explanation import mean_maps as means
from fer_core.explanation.heat import scaled
from fer_core.explanation.nearest import nearest_training_faces
from fer_core.explanation.occlusion import occlusion_maps
from fer_core.quality import kept
from fer_core.quality.embedding import features, load_features, model_key
from pages.shared import background, faces, grad_cam, state

from .chosen import Chosen

_NEIGHBOURS = 8
_LEAST_DROP = 0.01  # of probability; below, a map of it would show noise
_IMAGES_A_SECOND = 400  # that a model looks at
_beside = ThreadPoolExecutor(1, "occlusion")


def show(chosen: Chosen, position: int) -> None:
    """The view of one face.

    Args:
        position: of the face in the record.
    """
    if chosen.data is None or chosen.indices is None:
        return
    record, index = chosen.record, int(chosen.indices[position])
    predicted, true = (record.labels[i] for i in (record.predicted[position], record.true[position]))
    st.markdown("#### Why?")
    name = st.segmented_control(
        "What speaks for",
        list(record.labels),
        default=predicted,
        required=True,
        key=f"evaluate_why_{chosen.key}_{position}",
        format_func=lambda label: f"{EMOJI.get(label, '')} {label}".strip(),
    )
    image = np.asarray(chosen.data.images[index])
    with contextlib.suppress(FerError):  # which is told where the result would stand
        _occlusion_maps(chosen.key, position, chosen.bundle, image)
    left, right = st.columns([2, 1], gap="medium")
    below = st.container()
    with left:
        st.markdown("**Where it looks** (Grad-CAM)")
        with state.errors_shown(stop=False):
            _grad_cam(chosen.bundle, image, list(dict.fromkeys((name, true))), true)
    with below:
        st.markdown("**Most alike in train**")
        with state.errors_shown(stop=False):
            _nearest(chosen, index, image)
    with right:  # at last, since it takes longest and is computed meanwhile
        st.markdown("**What it needs** (occlusion)")
        with state.errors_shown(stop=False):
            _occlusion(chosen, position, image, name)


def _grad_cam(bundle: Bundle, image: np.ndarray, names: list[str], true: str) -> None:
    process = grad_cam.process(bundle)
    if grad_cam.wait(process):
        return
    maps = process.maps(image[None])[0]
    lines = []
    for name in names:
        map = maps[bundle.labels.index(name)]
        said = f"the true class, {name}" if name == true else name
        lines.append(
            (
                image,
                map,
                f"What speaks for {said}: the brighter, the more."
                if map.any()
                else f"Nothing here speaks for {said}.",
            )
        )
    grad_cam.figures(lines)


def _occlusion(chosen: Chosen, position: int, image: np.ndarray, name: str) -> None:
    map = _occlusion_maps(chosen.key, position, chosen.bundle, image).result()[
        chosen.bundle.labels.index(name)
    ]
    most = float(map.max())
    if most < _LEAST_DROP:
        line, map = f"No grey patch takes a point from the probability of {name}.", np.zeros_like(map)
    else:
        points = round(100 * most)
        count = "1 point" if points == 1 else f"{points} points"
        line = f"A grey patch on the brightest place takes about {count} from the probability of {name}."
    grad_cam.figures([(image, scaled(map), line)])


@st.cache_resource(max_entries=50, show_spinner=False)
def _occlusion_maps(key: str, position: int, _bundle: Bundle, _image: np.ndarray) -> Future[np.ndarray]:
    return _beside.submit(occlusion_maps, state.predictor(_bundle).classifier, _image)


def _nearest(chosen: Chosen, index: int, image: np.ndarray) -> None:
    data, bundle = chosen.data, chosen.bundle
    assert data is not None
    model = model_key(bundle)
    if not kept.path("features", data, model).is_file():
        _offer(data, bundle, model)
        return
    known = _features(data, bundle, kept.key(data), model)
    if known is None:
        _offer(data, bundle, model)
        return
    found = nearest_training_faces(state.extractor(bundle), known, data, image, _NEIGHBOURS, without=index)
    labels = [*data.label_names, "unlabelled"]
    faces.gallery(
        [np.asarray(data.images[i]) for i in found.indices],
        [labels[data.labels[i]] for i in found.indices],
        [
            "the same image" if copy else f"{alike:.2f} alike"
            for copy, alike in zip(found.copies, found.similarity, strict=True)
        ],
    )
    st.caption(
        "The training faces with the most similar features (cosine, at most 1) and their labels: what the answer may come from."
    )


def _offer(data: Dataset, bundle: Bundle, model: str) -> None:
    task = f"features {model} {kept.key(data)}"
    if background.under_way(task):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Find them", key="evaluate_find_alike", icon=":material/search:"):
            background.start(
                task,
                f"{bundle.name} looks at {len(data):,} faces",
                lambda tell: len(features(data, bundle, lambda share, what: tell(share))),
            )
            st.rerun()
        st.caption(
            f"{bundle.name} must look at all faces first: about {_guess(len(data))}, once.", width="stretch"
        )


def _guess(images: int) -> str:
    seconds = images / _IMAGES_A_SECOND
    return (
        f"{max(1, round(seconds))} s"
        if seconds < 45
        else "a minute"
        if seconds < 90
        else f"{seconds / 60:.0f} minutes"
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def _features(_data: Dataset, _bundle: Bundle, key: str, model: str) -> np.ndarray | None:
    found = load_features(_data, _bundle)
    return (
        None if found is None else found.astype(np.float32)
    )  # which is compared twice as fast as the kept float16


def mean_maps(chosen: Chosen) -> None:
    """The mean Grad-CAM map of each class; made in the background when it is asked for, then kept."""
    if chosen.data is None or chosen.indices is None:
        st.caption("Where the model looks by class needs the images, which are not here.")
        return
    more = hashlib.sha256(chosen.key.encode()).hexdigest()[:16]
    found = _kept_means(chosen, more)
    if found is not None:
        _draw_means(found)
        return
    task = f"mean maps {chosen.key}"
    if background.under_way(task):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Where it looks by class", key="evaluate_mean_maps", icon=":material/center_focus_strong:"
        ):
            background.start(task, "Grad-CAM of each class", lambda tell: _make_means(chosen, more, tell))
            st.rerun()
        st.caption(
            f"The mean Grad-CAM map of up to {means.PER_CLASS} faces of each class, in about 20 s.",
            width="stretch",
        )


def _make_means(chosen: Chosen, more: str, tell: background.Tell) -> means.MeanMaps:
    assert chosen.data is not None and chosen.indices is not None
    record, process = chosen.record, grad_cam.process(chosen.bundle)
    made = means.mean_maps(
        process.maps,
        chosen.data.images,
        chosen.indices,
        record.true,
        record.predicted,
        record.labels,
        chosen.bundle.labels,
        on_progress=tell,
    )
    kept.store(
        "mean-maps", chosen.data, {"maps": made.maps, "faces": made.faces, "counts": made.counts}, more
    )
    return made


def _kept_means(chosen: Chosen, more: str) -> means.MeanMaps | None:
    assert chosen.data is not None
    arrays = kept.load("mean-maps", chosen.data, more)
    try:
        return None if arrays is None else means.MeanMaps(labels=chosen.record.labels, **arrays)
    except TypeError:  # written by another version
        return None


def _draw_means(found: means.MeanMaps) -> None:
    grad_cam.figures(
        [
            (
                face,
                scaled(map),
                f"{name}: {count} {'face' if count == 1 else 'faces'}"
                if count
                else f"{name}: no face was named rightly",
            )
            for name, face, map, count in zip(
                found.labels, found.faces, found.maps, found.counts, strict=True
            )
        ]
    )
    st.caption(
        "What speaks for each class (Grad-CAM), on the mean of the faces of that class which the model names rightly."
    )
