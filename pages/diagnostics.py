"""Diagnostics: the state of the app, and a report to add to an issue."""

import streamlit as st

from pages.session import entry
from pages.session.errors import errors_shown
from pages.views.diagnostics import report

entry.run_entry_script()
st.title("Diagnostics")
st.markdown(
    "The state of this FER Explorer. Nothing here names you, your files, your folders or this machine, so "
    "it can be posted as it is."
)
with errors_shown():
    report.show()
