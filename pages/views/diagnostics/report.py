"""Report: the state of the app as tiles, as text for an issue, and as tables."""

from __future__ import annotations

import streamlit as st

from fer_core.diagnostics import report
from fer_core.diagnostics.report import Diagnostics
from fer_core.storage import runs_folder
from fer_core.wording import plural
from pages.session import visitor
from pages.session.foreign_text import plain


def show() -> None:
    """Draw the state of the app, and the report that can be added to an issue."""
    state = _state()
    _tiles(state)
    st.button("Refresh", icon=":material/refresh:", key="diagnostics_again")
    _text(state)
    _tables(state)


def _state() -> Diagnostics:
    all_visitors = visitor.hosted()
    if all_visitors is None:
        return report.diagnose([runs_folder()])
    homes = all_visitors.homes()
    return report.diagnose(
        [all_visitors.root, *(home / "runs" for home in homes)], all_visitors.settings, len(homes)
    )


def _tiles(state: Diagnostics) -> None:
    tiles = [
        (
            "Memory of the app",
            _bytes(state.memory_app),
            f"{state.memory_used / 1e9:.1f} of {state.memory_limit / 1e9:.1f} GB in use",
        ),
        (
            "Other processes",
            _bytes(sum(size for _, size in state.memory_workers)),
            ", ".join(sorted({kind for kind, _ in state.memory_workers})) or "none",
        ),
        ("Runs under way", str(state.under_way), f"{state.waiting} waiting"),
        ("Free disk space", _bytes(state.disk_free), "in the runs folder"),
        ("Cores", str(state.cores), f"{'GPU' if state.gpu else 'no GPU'}, {state.backend}"),
        (
            "Hosted",
            "no" if state.hosted is None else "yes",
            "local use" if state.hosted is None else f"{plural(state.visitors or 0, 'folder')} of visitors",
        ),
    ]
    with st.container(horizontal=True, gap="xsmall"):
        for label, value, note in tiles:
            st.metric(
                plain(label),
                plain(value),
                delta=plain(note),
                delta_color="off",
                delta_arrow="off",
                border=True,
                width=172,
                height="stretch",
            )


def _bytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


def _text(state: Diagnostics) -> None:
    st.subheader("For an issue")
    st.caption("The button at the top right of the box copies the text.")
    text = report.as_text(state)
    st.code(text, language=None, wrap_lines=True)
    st.download_button(
        "Download",
        text,
        "diagnostics.txt",
        "text/plain",
        key="diagnostics_download",
        icon=":material/download:",
        on_click="ignore",
    )


def _tables(state: Diagnostics) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Versions")
        rows = [{"Package": name, "Version": version} for name, version in state.versions.items()]
        st.dataframe(rows, hide_index=True, alt="Versions of the packages")
    with right:
        st.subheader("Runs by state")
        if state.runs:
            st.dataframe(
                [{"State": name, "Runs": count} for name, count in state.runs.items()],
                hide_index=True,
                alt="Runs by state",
            )
        else:
            st.info("No run yet.", icon=":material/info:")
        st.caption(
            "Monitoring can ask `/_stcore/health` whether the app is running. For a log in JSON, start the "
            "app with `FER_LOG=json`."
        )
