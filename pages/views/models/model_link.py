"""Which model the Models page shows, and whether it shows one or all; `?model=NAME` links to one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from .model_figures import Model

ALL, ONE = "All models", "One model"
_VIEW, _MODEL = "models_view", "model"  # the second is the name in the address, so it has no prefix


def view() -> str:
    """ALL or ONE; a link to a model opens with that one."""
    if _VIEW not in st.session_state:
        st.session_state[_VIEW] = ONE if _MODEL in st.query_params else ALL
    return st.segmented_control(
        "Show", [ALL, ONE], required=True, key=_VIEW, label_visibility="collapsed", persist_state="session"
    )


def open_model(model: Model) -> None:
    """Show this one from the next run of the page on; for callbacks."""
    st.session_state[_VIEW], st.session_state[_MODEL] = ONE, model.name


def choose(models: Sequence[Model]) -> Model:
    """A box to choose one of the models with. The choice is kept for the other pages, and in the address."""
    by_name = {model.name: model for model in models}
    asked = st.query_params.get(_MODEL)
    if asked is not None and asked not in by_name:
        st.warning(
            f"There is no model {asked!r} (any more), so this is another one.", icon=":material/link_off:"
        )
    if asked not in by_name and st.session_state.get(_MODEL) not in by_name:
        on_other_pages = (
            model.name for model in models if str(model.bundle.path) == st.session_state.get("model_path")
        )
        st.session_state[_MODEL] = next(on_other_pages, models[0].name)
    model = by_name[st.selectbox("Model", list(by_name), key=_MODEL, bind="query-params")]
    st.session_state["model_path"] = str(model.bundle.path)
    return model
