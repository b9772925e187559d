"""Make a cleaned variant: a recipe in the data folder, which every page then offers as a source."""

from __future__ import annotations

import streamlit as st

from fer_core.data.recipe import SUFFIX, Recipe, save_recipe
from fer_core.errors import FerError
from pages.shared import state

_MADE = "dataset_variant_made"


def form(recipe: Recipe, key: str, name: str) -> None:
    """What the recipe does, and a button that makes it the source of all pages."""
    drop, relabel = len(recipe.drop), len(recipe.relabel)
    if not drop and not relabel:
        st.caption("Nothing would be left out or changed.")
        return
    parts = [f"**{drop:,}** {'image' if drop == 1 else 'images'} left out"] if drop else []
    parts += [f"**{relabel:,}** {'label' if relabel == 1 else 'labels'} changed"] if relabel else []
    st.markdown(f"{' and '.join(parts)}. The original stays as it is: a variant is a recipe over it.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", _free(name), key=f"{key}_name_{name}", width=260).strip()
        made = st.button(
            "Make a cleaned variant", key=f"{key}_make", icon=":material/cleaning_services:", type="primary"
        )
    if made:
        with state.errors_shown(stop=False):
            path = save_recipe(recipe, state.own_folder(), name)
            try:
                state.use_source(str(path))
            except FerError:
                path.unlink(missing_ok=True)  # nothing else refers to a recipe that cannot be followed
                raise
            st.session_state[_MADE] = path.name.removesuffix(SUFFIX)
            st.rerun()


def _free(name: str) -> str:
    """`name`, or with a number behind it where there is a variant called so."""
    folder, number = state.own_folder(), 1
    while (folder / f"{name}{f'-{number}' * (number > 1)}{SUFFIX}").exists():
        number += 1
    return f"{name}{f'-{number}' * (number > 1)}"


def show_made() -> None:
    """Says, once, that a variant was made."""
    if name := st.session_state.pop(_MADE, None):
        st.success(
            f"All pages work on the cleaned variant **{name}** now. Train on it on the Train page; the original can be chosen above again.",
            icon=":material/check_circle:",
        )
