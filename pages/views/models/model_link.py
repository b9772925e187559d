"""`?model=NAME` in the address: the model that the Models page shows."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.session.foreign_text import plain

from .catalog import Model

ALL, ONE = "All models", "One model"
VIEW = "models_view"
_MODEL = "model"  # the name in the address, so it has no prefix


def first_view() -> str:
    """Return the view that opens first: a link to a model opens that model."""
    return ONE if _MODEL in st.query_params else ALL


def open_model(model: Model) -> None:
    """Show this model in the next run of the page; for callbacks."""
    open_named(model.name)


def open_named(name: str) -> None:
    """Show the model of this name in the next run of the page; for callbacks."""
    st.session_state[VIEW], st.session_state[_MODEL] = ONE, name


def choose(models: Sequence[Model]) -> Model:
    """Draw the box that chooses a model; the address and the other pages follow the choice."""
    by_name = {model.name: model for model in models}
    linked = st.query_params.get(_MODEL)
    if linked is not None and linked not in by_name:
        st.warning(
            f"The model {plain(repr(linked))} was not found; this is another one.", icon=":material/link_off:"
        )
    if linked not in by_name and st.session_state.get(_MODEL) not in by_name:
        on_other_pages = (
            model.name for model in models if str(model.bundle.path) == st.session_state.get("model_path")
        )
        st.session_state[_MODEL] = next(on_other_pages, models[0].name)
    model = by_name[st.selectbox("Model", list(by_name), key=_MODEL, bind="query-params")]
    st.session_state["model_path"] = str(model.bundle.path)
    return model
