"""Start: what the app offers, and a photo classified right here."""

import streamlit as st

from pages.session import entry

entry.run_entry_script()
st.title("FER Explorer")
st.markdown(
    "See what a network reads in a face, and find out **when to trust it**. Live, in your browser: nothing "
    "is sent. What you upload stays in the memory of the machine that runs this app."
)
# Imported below the title, which is on the screen by then: what reads photos takes long to import.
from pages.views.start import cards, photo  # noqa: E402

photo.show()
cards.show()
