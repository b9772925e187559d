"""The model of the Dataset page and its predictions for all faces, computed in the background and saved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import streamlit as st

from fer_core.bundles.bundle import DEFAULT_MODEL, Bundle, read_bundle
from fer_core.data import SPLITS, UNLABELLED, Dataset
from fer_core.data.recipe import SUFFIX, read_recipe
from fer_core.errors import DataError, ModelError
from fer_core.evaluation.scoring import score
from fer_core.quality import result_cache
from fer_core.quality.embedding import model_key
from fer_core.wording import plural
from pages.session import background, cached_models, model_choice
from pages.session.foreign_text import plain
from pages.widgets.durations import duration

from .dataset_view import DatasetView

_KEY = "dataset_model"
_KIND = "probabilities"
_IMAGES_A_SECOND = 400  # that a model classifies


@dataclass(frozen=True)
class ModelAnswers:
    """The predictions of a model for all faces of a data set."""

    # (N, C) float32, in the order of the data set's labels; NaN for images without a label
    probabilities: np.ndarray

    @cached_property
    def available(self) -> np.ndarray:
        return ~np.isnan(self.probabilities[:, 0])

    @cached_property
    def predicted(self) -> np.ndarray:
        """Return the predicted labels (N,) int64; UNLABELLED without a prediction."""
        return np.where(
            self.available, np.nan_to_num(self.probabilities, nan=-1.0).argmax(axis=1), UNLABELLED
        )

    @cached_property
    def confidence(self) -> np.ndarray:
        return self.probabilities.max(axis=1)

    def doubt(self, labels: np.ndarray) -> np.ndarray:
        """Return how doubtful each label is: (N,) float32 in [-1, 1], or NaN for images without a label.

        It is the probability of the best other class minus that of the label.
        """
        rows = np.arange(len(labels))
        others = self.probabilities.copy()
        others[rows, np.maximum(labels, 0)] = -1
        return others.max(axis=1) - self.probabilities[rows, np.maximum(labels, 0)]


def by_name() -> dict[str, str]:
    """Return the models on offer as name -> path; the first one where a name occurs twice."""
    names: dict[str, str] = {}
    for path, name in model_choice.options().items():
        names.setdefault(name.removesuffix(" (shipped)"), path)
    return names


def choose() -> Bundle | None:
    """Draw the box that chooses the model, the same in all views; return None where there is no model."""
    names = by_name()
    if not names:
        st.info("There is no model yet: train one on the Train page.", icon=":material/rocket_launch:")
        return None
    first = list(names).index(DEFAULT_MODEL) if DEFAULT_MODEL in names else 0
    name = st.selectbox(
        "Model", list(names), index=first, key=_KEY, bind="query-params", persist_state="session"
    )
    return read_bundle(Path(names[name]))


def chosen() -> Bundle | None:
    """Return the chosen or default model without drawing the box."""
    names = by_name()
    name = st.session_state.get(_KEY) or st.query_params.get(_KEY)
    if name not in names:
        name = DEFAULT_MODEL if DEFAULT_MODEL in names else next(iter(names), None)
    try:
        return None if name is None else read_bundle(Path(names[name]))
    except ModelError:
        return None


def saved(dataset: DatasetView, bundle: Bundle) -> ModelAnswers | None:
    """Return the predictions of a model, or None where it has not classified the faces yet."""
    model = key_of(bundle)
    answers = background.result(_task(dataset, model))
    if answers is None and result_cache.path(_KIND, dataset.data, model).is_file():
        answers = _load(dataset.data, dataset.key, model, bundle.labels)
    return answers


def offer_classification(dataset: DatasetView, bundle: Bundle, why: str) -> None:
    """Draw the button that lets the model classify all faces, and the progress bar while it does.

    Args:
        dataset: The data set.
        bundle: The model.
        why: What the predictions are for, as a sentence.
    """
    model = key_of(bundle)
    if background.show_progress(_task(dataset, model)):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Classify all faces with {plain(bundle.name)}",
            key="dataset_look",
            icon=":material/visibility:",
            on_click=_start,
            args=(dataset, bundle, model),
        )
        time = duration(len(dataset.data) / _IMAGES_A_SECOND)
        st.caption(
            f"{plain(why)} It takes about {time}, once; the app can be used meanwhile.",
            width="stretch",
        )


def key_of(bundle: Bundle) -> str:
    """Return the hash of a model's inference file, part of the names of saved results."""
    return _hash(str(bundle.path), cached_models.modified(bundle), bundle)


def trained_on(bundle: Bundle, data: Dataset) -> bool:
    """Return whether the model was trained on the training images of these data, according to its card."""
    card = bundle.card.get("data", {})
    if card.get("fingerprint") in {data.fingerprint, data.variant_of}:
        return True
    source = str(card.get("source") or bundle.card.get("config", {}).get("data", {}).get("source") or "")
    if source.endswith(SUFFIX):  # a cleaned variant
        try:
            return read_recipe(Path(source)).fingerprint in {data.fingerprint, data.variant_of}
        except DataError:
            pass
    return False


def _start(dataset: DatasetView, bundle: Bundle, model: str) -> None:
    data = dataset.data
    background.start(
        _task(dataset, model),
        f"{bundle.name} classifies {plural(len(data), 'face')}",
        lambda on_progress: _classify(data, bundle, model, on_progress),
    )


def _classify(data: Dataset, bundle: Bundle, model: str, on_progress: background.OnProgress) -> ModelAnswers:
    out = np.full((len(data), len(data.label_names)), np.nan, np.float32)
    done = 0
    for split in data.split_names():
        count = int((data.splits == SPLITS.index(split)).sum())
        if np.all(data.labels[data.splits == SPLITS.index(split)] == UNLABELLED):
            continue

        def on_split_progress(share: float, before: int = done, count: int = count) -> None:
            on_progress((before + share * count) / len(data))

        scored = score(bundle, data, split, save=False, on_progress=on_split_progress)
        out[scored.indices] = scored.probabilities
        done += count
    result_cache.store(_KIND, data, {_KIND: out}, model)
    return ModelAnswers(out)


def _task(dataset: DatasetView, model: str) -> str:
    return f"predictions {model} {dataset.key}"


@st.cache_data(max_entries=100, show_spinner=False)
def _hash(path: str, modified: int, _bundle: Bundle) -> str:
    return model_key(_bundle)


@st.cache_resource(max_entries=3, show_spinner=False)
def _load(_data: Dataset, key: str, model: str, labels: tuple[str, ...]) -> ModelAnswers | None:
    arrays = result_cache.load(_KIND, _data, model)
    return (
        None
        if arrays is None or arrays[_KIND].shape != (len(_data), len(_data.label_names))
        else ModelAnswers(arrays[_KIND])
    )
