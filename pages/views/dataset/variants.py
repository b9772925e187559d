"""Cleaned variants: a recipe in the data folder, which becomes the source of all pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.data.recipe import SUFFIX, Recipe, equal_recipe, save_recipe
from fer_core.errors import FerError
from fer_core.wording import plural
from pages.session import data_source, source_link
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain

_CREATED = "dataset_variant_made"


def form(recipe: Recipe, key: str, name: str) -> None:
    """Describe a recipe, and draw the button that saves it and makes it the source of all pages.

    Args:
        recipe: What to leave out and to relabel.
        key: Prefix of the widgets' keys.
        name: Suggested name of the variant.
    """
    drop, relabel = len(recipe.drop), len(recipe.relabel)
    if not drop and not relabel:
        st.caption("Nothing to leave out or to change.")
        return
    parts = [f"**{plural(drop, 'image')}** left out"] if drop else []
    parts += [f"**{plural(relabel, 'label')}** changed"] if relabel else []
    st.markdown(f"{' and '.join(parts)}. The original stays as it is: a variant is a recipe over it.")
    if (equal := equal_recipe(recipe, data_source.own_folder())) is not None:
        _offer_equal(equal, key)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", _free(name), key=f"{key}_name_{name}", width=260).strip()
        create = st.button(
            "Make a cleaned variant", key=f"{key}_make", icon=":material/cleaning_services:", type="primary"
        )
    if create:
        with errors_shown(stop=False):
            path = save_recipe(recipe, data_source.own_folder(), name)
            try:
                data_source.choose(str(path))
            except FerError:
                path.unlink(missing_ok=True)  # a recipe that cannot be applied is of no use
                raise
            st.session_state[_CREATED] = path.name.removesuffix(SUFFIX)
            st.rerun()


def _offer_equal(path: Path, key: str) -> None:
    """Say that a variant with these changes exists, and draw the button that makes it the source."""
    name = path.name.removesuffix(SUFFIX)
    if str(path) == data_source.current():
        st.caption(f"The variant {plain(name)} has these changes already; it is what all pages use.")
        return
    st.caption(f"The variant {plain(name)} has these changes already.")
    if st.button(f"Use {plain(name)}", key=f"{key}_use", icon=":material/check:"):
        with errors_shown(stop=False):
            data_source.choose(str(path))
            st.session_state[_CREATED] = name
            st.rerun()


def _free(name: str) -> str:
    """Return `name`, with a number where a variant of that name exists."""
    folder, number = data_source.own_folder(), 1
    while (folder / f"{name}{f'-{number}' * (number > 1)}{SUFFIX}").exists():
        number += 1
    return f"{name}{f'-{number}' * (number > 1)}"


def confirm_created() -> None:
    """Confirm once that a variant was created."""
    if name := st.session_state.pop(_CREATED, None):
        st.success(
            f"All pages now use the cleaned variant **{plain(name)}**; the original can be chosen again "
            "above.",
            icon=":material/check_circle:",
        )
        st.page_link(
            "pages/train.py",
            label="**Train on this variant**, then compare before and after in Verdicts",
            icon=":material/model_training:",
            query_params=source_link.parameters() | {"train_view": "Set up"},
        )
