"""The model that the pages share: the models on offer and the box that chooses one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.bundles.bundle import (
    DEFAULT_MODEL,
    MODELS_DIR,
    Bundle,
    own_models,
    read_bundle,
    shipped,
)
from fer_core.errors import ModelError
from fer_core.runs.run_folder import list_runs
from fer_core.storage import runs_folder


def options() -> dict[str, str]:
    """Return the models on offer as path -> name: shipped, promoted, then those of runs, the newest first."""
    names = {str(b.path): f"{b.path.name} (shipped)" for b in shipped()}
    names |= {str(b.path): b.path.name for b in own_models()}
    for run in list_runs(runs_folder()):
        if (run.bundle / "card.json").is_file():
            names[str(run.bundle)] = run.name
    return names


def choose(key: str, first: str = DEFAULT_MODEL) -> Bundle:
    """Draw the box that chooses the model; all pages remember the choice, and the address names it.

    Another `?model=NAME` in the address makes the choice once; from then on the box decides.

    Args:
        key: Key of the box.
        first: Name of the shipped model that is selected until the visitor chooses one.

    Raises:
        ModelError: There is no model at all.
    """
    names = options()
    if not names:
        raise ModelError("There is no model yet: train one on the Train page first.")
    paths = list(names)
    in_link = {path: name.removesuffix(" (shipped)") for path, name in names.items()}
    linked = st.query_params.get("model")
    if linked is not None and st.session_state.get("model_linked") != linked:
        matches = [path for path, name in in_link.items() if name == linked]
        st.session_state["model_path"] = matches[0] if matches else st.session_state.get("model_path")
        st.session_state.pop(key, None)
    current = st.session_state.get("model_path")
    preferred = str(MODELS_DIR / first)
    index = (
        paths.index(current if current in names else preferred) if {current, preferred} & names.keys() else 0
    )
    path = st.selectbox("Model", paths, index=index, format_func=names.__getitem__, key=key)
    # a default is not a choice that other pages should follow
    if path != paths[index] or current is not None:
        st.session_state["model_path"] = path
        _name_in_address(path, in_link)
    st.session_state["model_linked"] = st.query_params.get("model")
    return read_bundle(Path(path))


def _name_in_address(path: str, names: dict[str, str]) -> None:
    """Name the model in the address, unless the name there would mean another model."""
    name = names[path]
    if next(other for other in names if names[other] == name) != path:
        st.query_params.pop("model", None)
    elif st.query_params.get("model") != name:
        st.query_params["model"] = name


def bundle_at(path: str) -> Bundle:
    """Read the bundle at a path from `options`.

    Raises:
        ModelError: It was removed meanwhile, or is damaged.
    """
    return read_bundle(Path(path))
