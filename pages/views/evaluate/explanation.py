"""Explanations of a prediction: Grad-CAM, occlusion, similar faces, feature maps; mean maps by class."""

from __future__ import annotations

import contextlib
import hashlib
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import streamlit as st

from fer_core.bundles.bundle import Bundle
from fer_core.data import Dataset
from fer_core.emotions import EMOJI
from fer_core.errors import FerError
from fer_core.explanation import mean_maps as means
from fer_core.explanation.heat import scaled
from fer_core.explanation.nearest import nearest_training_faces
from fer_core.explanation.occlusion import occlusion_maps
from fer_core.quality import result_cache
from fer_core.quality.embedding import features, load_features, model_key
from fer_core.wording import plural
from pages.session import background, cached_models, grad_cam
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import faces, heat_maps
from pages.widgets.durations import duration

from . import feature_maps
from .selection import Selection

_NEIGHBOURS = 8
_LEAST_DROP = 0.01  # of probability; smaller drops are noise
_IMAGES_A_SECOND = 400  # that a model processes
_beside = ThreadPoolExecutor(1, "occlusion")


def show(selection: Selection, position: int) -> None:
    """Draw the explanations of one face.

    Args:
        selection: The evaluation.
        position: Position of the face in the record.
    """
    if selection.data is None or selection.indices is None:
        return
    record, index = selection.record, int(selection.indices[position])
    predicted, true = (record.labels[i] for i in (record.predicted[position], record.true[position]))
    st.markdown("#### Why?")
    name = st.segmented_control(
        "Evidence for",
        list(record.labels),
        default=predicted,
        required=True,
        key=f"evaluate_why_{selection.key}_{position}",
        format_func=lambda label: f"{EMOJI.get(label, '')} {plain(label)}".strip(),
    )
    image = np.asarray(selection.data.images[index])
    with contextlib.suppress(FerError):  # shown below, where the result is drawn
        _occlusion_maps(selection.key, position, selection.bundle, image)
    left, right = st.columns([2, 1], gap="medium")
    below = st.container()
    with left:
        st.markdown("**Where the model looks** (Grad-CAM)")
        with errors_shown(stop=False):
            _grad_cam(selection.bundle, image, list(dict.fromkeys((name, true))), true)
    with below:
        st.markdown("**Most similar in train**")
        with errors_shown(stop=False):
            _nearest(selection, index, image)
    with right:  # last, since it takes longest and is computed meanwhile
        st.markdown("**What the model needs** (occlusion)")
        with errors_shown(stop=False):
            _occlusion(selection, position, image, name)
    feature_maps.show(selection.bundle, image)


def _grad_cam(bundle: Bundle, image: np.ndarray, names: list[str], true: str) -> None:
    process = grad_cam.process(bundle)
    if grad_cam.show_starting(process):
        return
    maps = process.maps(image[None])[0]
    lines = []
    for name in names:
        heat_map = maps[bundle.labels.index(name)]
        target = f"the true class, {name}" if name == true else name
        lines.append(
            (
                image,
                heat_map,
                f"Evidence for {target}: the brighter, the stronger."
                if heat_map.any()
                else f"No evidence for {target}.",
            )
        )
    heat_maps.show(lines)


def _occlusion(selection: Selection, position: int, image: np.ndarray, name: str) -> None:
    heat_map = _occlusion_maps(selection.key, position, selection.bundle, image).result()[
        selection.bundle.labels.index(name)
    ]
    most = float(heat_map.max())
    if most < _LEAST_DROP:
        line, heat_map = (
            f"No grey patch lowers the probability of {name} by a point.",
            np.zeros_like(heat_map),
        )
    else:
        points = plural(round(100 * most), "point")
        line = f"A grey patch on the brightest spot lowers the probability of {name} by about {points}."
    heat_maps.show([(image, scaled(heat_map), line)])


@st.cache_resource(max_entries=50, show_spinner=False)
def _occlusion_maps(key: str, position: int, _bundle: Bundle, _image: np.ndarray) -> Future[np.ndarray]:
    return _beside.submit(occlusion_maps, cached_models.predictor(_bundle).classifier, _image)


def _nearest(selection: Selection, index: int, image: np.ndarray) -> None:
    data, bundle = selection.data, selection.bundle
    assert data is not None
    model = model_key(bundle)
    if not result_cache.path("features", data, model).is_file():
        _offer(data, bundle, model)
        return
    vectors = _features(data, bundle, result_cache.key(data), model)
    if vectors is None:
        _offer(data, bundle, model)
        return
    neighbours = nearest_training_faces(
        cached_models.extractor(bundle), vectors, data, image, _NEIGHBOURS, without=index
    )
    labels = [*data.label_names, "unlabelled"]
    faces.gallery(
        [np.asarray(data.images[i]) for i in neighbours.indices],
        [labels[data.labels[i]] for i in neighbours.indices],
        [
            "the same image" if copy else f"similarity {similarity:.2f}"
            for copy, similarity in zip(neighbours.copies, neighbours.similarity, strict=True)
        ],
    )
    st.caption(
        "Training faces with the most similar features (cosine similarity, at most 1) and their labels, on "
        "which the prediction may be based."
    )


def _offer(data: Dataset, bundle: Bundle, model: str) -> None:
    task = f"features {model} {result_cache.key(data)}"
    if background.show_progress(task):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Find them", key="evaluate_find_alike", icon=":material/search:"):
            background.start(
                task,
                f"{bundle.name} processes {plural(len(data), 'face')}",
                lambda on_progress: len(features(data, bundle, lambda share, what: on_progress(share))),
            )
            st.rerun()
        time = duration(len(data) / _IMAGES_A_SECOND)
        st.caption(
            f"{plain(bundle.name)} must process all faces first: about {time}, once.",
            width="stretch",
        )


@st.cache_resource(max_entries=1, show_spinner=False)
def _features(_data: Dataset, _bundle: Bundle, key: str, model: str) -> np.ndarray | None:
    vectors = load_features(_data, _bundle)
    # twice as fast to compare as the saved float16
    return None if vectors is None else vectors.astype(np.float32)


def mean_maps(selection: Selection) -> None:
    """Draw the mean Grad-CAM map of each class, or the button that computes the maps in the background."""
    if selection.data is None or selection.indices is None:
        st.caption("Mean Grad-CAM maps need the images, which are not available here.")
        return
    more = hashlib.sha256(selection.key.encode()).hexdigest()[:16]
    saved = _saved_means(selection, more)
    if saved is not None:
        _draw_means(saved)
        return
    task = f"mean maps {selection.key}"
    if background.show_progress(task):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Compute the maps", key="evaluate_mean_maps", icon=":material/center_focus_strong:"):
            background.start(
                task,
                "Grad-CAM of each class",
                lambda on_progress: _compute_means(selection, more, on_progress),
            )
            st.rerun()
        st.caption(
            f"The mean Grad-CAM map of up to {means.PER_CLASS} faces of each class, in about 20 s.",
            width="stretch",
        )


def _compute_means(selection: Selection, more: str, on_progress: background.OnProgress) -> means.MeanMaps:
    assert selection.data is not None and selection.indices is not None
    record, process = selection.record, grad_cam.process(selection.bundle)
    computed = means.mean_maps(
        process.maps,
        selection.data.images,
        selection.indices,
        record.true,
        record.predicted,
        record.labels,
        selection.bundle.labels,
        on_progress=on_progress,
    )
    result_cache.store(
        "mean-maps",
        selection.data,
        {"maps": computed.maps, "faces": computed.faces, "counts": computed.counts},
        more,
    )
    return computed


def _saved_means(selection: Selection, more: str) -> means.MeanMaps | None:
    assert selection.data is not None
    arrays = result_cache.load("mean-maps", selection.data, more)
    try:
        return None if arrays is None else means.MeanMaps(labels=selection.record.labels, **arrays)
    except TypeError:  # saved by another version
        return None


def _draw_means(mean: means.MeanMaps) -> None:
    heat_maps.show(
        [
            (
                face,
                scaled(heat_map),
                f"{name}: {plural(int(count), 'face')}" if count else f"{name}: no correct prediction",
            )
            for name, face, heat_map, count in zip(
                mean.labels, mean.faces, mean.maps, mean.counts, strict=True
            )
        ]
    )
    st.caption("Evidence for each class (Grad-CAM), over the mean of its correctly predicted faces.")
