"""The views of a page: one control chooses which of them is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import streamlit as st

from pages.session.foreign_text import plain

View = Callable[..., Any]


def choose(
    key: str,
    views: Mapping[str, View],
    *,
    first: str | None = None,
    label: str = "View",
    linked: bool = False,
    remembered: bool = False,
) -> str:
    """Draw the control and return the title of the chosen view.

    Args:
        key: Key of the control.
        views: The views by title.
        first: The view that is chosen at first; by default the first of `views`.
        label: What screen readers call the control.
        linked: The address names the view, so that a link opens it.
        remembered: The choice stays while the visitor is on other pages.
    """
    if key not in st.session_state and not (linked and st.query_params.get(key) in views):
        st.session_state[key] = first or next(iter(views))
    bind: Literal["query-params"] | None = "query-params" if linked else None
    persist: Literal["session"] | None = "session" if remembered else None
    title = st.segmented_control(
        plain(label),
        list(views),
        format_func=plain,
        required=True,
        key=key,
        label_visibility="collapsed",
        bind=bind,
        persist_state=persist,
    )
    assert title is not None  # required, and chosen above
    return title


def show(key: str, views: Mapping[str, View], *arguments: Any, **options: Any) -> Any:
    """Draw the control and the chosen view.

    Args:
        key: Key of the control.
        views: The views by title.
        *arguments: Passed to the view.
        **options: Passed to `choose`.

    Returns:
        What the view returns.
    """
    return views[choose(key, views, **options)](*arguments)
