"""Diagnostics: how the app is, and what to send along with a problem."""

import streamlit as st

from fer_core.diagnostics import report
from fer_core.storage import runs_folder
from pages.shared import state, visitor


def _bytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


st.title("Diagnostics")
st.markdown(
    "How this FER Explorer is doing. Nothing here names you, your files, your folders or this machine, so it can be posted as it is."
)

with state.errors_shown():
    everybody = visitor.hosted()
    if everybody is None:
        found = report.diagnose([runs_folder()])
    else:
        homes = everybody.homes()
        found = report.diagnose(
            [everybody.root, *(home / "runs" for home in homes)], everybody.settings, len(homes)
        )
    tiles = [
        (
            "Memory of the app",
            _bytes(found.memory_app),
            f"{found.memory_used / 1e9:.1f} of {found.memory_limit / 1e9:.1f} GB in use",
        ),
        (
            "Other processes",
            _bytes(sum(size for _, size in found.memory_workers)),
            ", ".join(sorted({kind for kind, _ in found.memory_workers})) or "none",
        ),
        ("Runs under way", str(found.under_way), f"{found.waiting} waiting"),
        ("Free disk space", _bytes(found.disk_free), "where runs are kept"),
        ("Cores", str(found.cores), f"{'GPU' if found.gpu else 'no GPU'}, {found.backend}"),
        (
            "Hosted",
            "no" if found.hosted is None else "yes",
            "local use" if found.hosted is None else f"{found.visitors} visitors' folders",
        ),
    ]
    with st.container(horizontal=True, gap="xsmall"):
        for label, value, note in tiles:
            st.metric(
                label,
                value,
                delta=note,
                delta_color="off",
                delta_arrow="off",
                border=True,
                width=172,
                height="stretch",
            )
    st.button("Look again", icon=":material/refresh:", key="diagnostics_again")

    st.subheader("For an issue")
    st.caption("The button at the top right of the box copies it.")
    text = report.as_text(found)
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

    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Versions")
        rows = [{"Package": name, "Version": version} for name, version in found.versions.items()]
        st.dataframe(rows, hide_index=True, alt="Versions of the packages")
    with right:
        st.subheader("Runs by state")
        if found.runs:
            st.dataframe(
                [{"State": name, "Runs": count} for name, count in found.runs.items()],
                hide_index=True,
                alt="Runs by state",
            )
        else:
            st.info("No run yet.", icon=":material/info:")
        st.caption(
            "Programs ask `/_stcore/health` whether the app is there. Where its log is to be read by one, start it with `FER_LOG=json`."
        )
