"""The model that the views ask, and what it makes of all faces: looked at once in the background, then kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import streamlit as st

from fer_core.bundle import DEFAULT_MODEL, Bundle, read_bundle
from fer_core.data import SPLITS, UNLABELLED, Dataset
from fer_core.data.recipe import SUFFIX, read_recipe
from fer_core.errors import DataError, ModelError
from fer_core.evaluation.scoring import score
from fer_core.quality import kept
from fer_core.quality.embedding import model_key
from pages.shared import background, state

from .facts import Facts

_KEY = "dataset_model"
_KIND = "probabilities"


@dataclass(frozen=True)
class Looked:
    """What a model makes of the faces of a data set."""

    probabilities: (
        np.ndarray
    )  # (N, C) float32, in the order of the data set's labels; NaN for images without a label

    @cached_property
    def known(self) -> np.ndarray:
        return ~np.isnan(self.probabilities[:, 0])

    @cached_property
    def predicted(self) -> np.ndarray:
        """(N,) int64; UNLABELLED where it is not known."""
        return np.where(self.known, np.nan_to_num(self.probabilities, nan=-1.0).argmax(axis=1), UNLABELLED)

    @cached_property
    def confidence(self) -> np.ndarray:
        return self.probabilities.max(axis=1)

    def doubt(self, labels: np.ndarray) -> np.ndarray:
        """(N,) float32: how much more probable the best other class is than the label, -1 to 1; NaN where it is not known."""
        rows = np.arange(len(labels))
        others = self.probabilities.copy()
        others[rows, np.maximum(labels, 0)] = -1
        return others.max(axis=1) - self.probabilities[rows, np.maximum(labels, 0)]


def by_name() -> dict[str, str]:
    """The models that can be chosen: name -> path. A name that stands twice is the first one's."""
    names: dict[str, str] = {}
    for path, name in state.models().items():
        names.setdefault(name.removesuffix(" (shipped)"), path)
    return names


def choose() -> Bundle | None:
    """A box to choose the model with, the same one in all views; None where there is no model."""
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
    """The one in the box, or that would stand there; for views without the box."""
    names = by_name()
    name = st.session_state.get(_KEY) or st.query_params.get(_KEY)
    if name not in names:
        name = DEFAULT_MODEL if DEFAULT_MODEL in names else next(iter(names), None)
    try:
        return None if name is None else read_bundle(Path(names[name]))
    except ModelError:
        return None


def looked(facts: Facts, bundle: Bundle) -> Looked | None:
    """What `bundle` makes of all faces, where it looked at them before."""
    model = key_of(bundle)
    found = background.result(_task(facts, model))
    if found is None and kept.path(_KIND, facts.data, model).is_file():
        found = _kept(facts.data, facts.key, model, bundle.labels)
    return found


def offer(facts: Facts, bundle: Bundle, why: str) -> None:
    """The button that lets the model look at the faces, and its bar while it does."""
    model = key_of(bundle)
    if background.under_way(_task(facts, model)):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Let {bundle.name} look at them",
            key="dataset_look",
            icon=":material/visibility:",
            on_click=_start,
            args=(facts, bundle, model),
        )
        st.caption(
            f"{why} It takes about {_guess(len(facts.data))}, once; the app can be used meanwhile.",
            width="stretch",
        )


def key_of(bundle: Bundle) -> str:
    """A hash of its inference file, under which the core keeps what it computed with it."""
    return _hash(str(bundle.path), _changed(bundle), bundle)


def trained_on(bundle: Bundle, data: Dataset) -> bool:
    """Whether the model was trained on the training images of these data, as far as its card tells."""
    card = bundle.card.get("data", {})
    if card.get("fingerprint") in {data.fingerprint, data.variant_of}:
        return True
    source = str(card.get("source") or bundle.card.get("config", {}).get("data", {}).get("source") or "")
    if source.endswith(SUFFIX):  # of a cleaned variant of them
        try:
            return read_recipe(Path(source)).fingerprint in {data.fingerprint, data.variant_of}
        except DataError:
            pass
    return False


def _guess(images: int) -> str:
    minutes = images / 25_000
    return "a minute" if minutes < 1.5 else f"{minutes:.0f} minutes"


def _start(facts: Facts, bundle: Bundle, model: str) -> None:
    data = facts.data
    background.start(
        _task(facts, model),
        f"{bundle.name} looks at {len(data):,} faces",
        lambda tell: _look(data, bundle, model, tell),
    )


def _look(data: Dataset, bundle: Bundle, model: str, tell: background.Tell) -> Looked:
    out = np.full((len(data), len(data.label_names)), np.nan, np.float32)
    done = 0
    for split in data.split_names():
        count = int((data.splits == SPLITS.index(split)).sum())
        if np.all(data.labels[data.splits == SPLITS.index(split)] == UNLABELLED):
            continue
        found = score(
            bundle,
            data,
            split,
            save=False,
            on_progress=lambda share, before=done, count=count: tell((before + share * count) / len(data)),
        )
        out[found.indices] = found.probabilities
        done += count
    kept.store(_KIND, data, {_KIND: out}, model)
    return Looked(out)


def _task(facts: Facts, model: str) -> str:
    return f"look {model} {facts.key}"


def _changed(bundle: Bundle) -> int:
    try:
        return bundle.inference_file.stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_data(max_entries=100, show_spinner=False)
def _hash(path: str, changed: int, _bundle: Bundle) -> str:
    return model_key(_bundle)


@st.cache_resource(max_entries=3, show_spinner=False)
def _kept(_data: Dataset, key: str, model: str, labels: tuple[str, ...]) -> Looked | None:
    arrays = kept.load(_KIND, _data, model)
    return (
        None
        if arrays is None or arrays[_KIND].shape != (len(_data), len(_data.label_names))
        else Looked(arrays[_KIND])
    )
