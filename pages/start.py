"""Start: what the app offers, and a photo classified right here."""

import streamlit as st

from pages.session import entry
from pages.views.start import cards, photo

entry.run_entry_script()
st.title("FER Explorer")
st.markdown(
    "See what a network reads in a face, and find out **when to trust it**. Live, in your browser: nothing "
    "is sent. What you upload stays in the memory of the machine that runs this app."
)
photo.show()
cards.show()
