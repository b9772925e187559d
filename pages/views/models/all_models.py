"""All models: their accuracies, what READMEs claim for the same networks, and what accuracy costs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.session.foreign_text import plain

from . import claims, scoreboard, speed_plot
from .catalog import Model

# What each shipped model is for; measured in docs/reference/models.md.
_PURPOSES = {
    "standard": "the default for 48x48 faces as in FER2013: accurate, 1.6 MB.",
    "photo": "photos, videos and the camera: it answers for faces as they are found in pictures.",
    "photo-tiny": "the same on phones and slow hosts: 0.5 MB and a ninth of the time, less accurate.",
    "ferplus": "answers as most people would: trained on the votes of FER+ instead of single labels.",
    "best": "the highest accuracy on FER2013's labels: three networks in one, at three times the time.",
    "tiny": "browsers, phones and slow hosts: 0.15 MB and a third of the time of `standard`.",
    "baseline-deep": "the network of many READMEs that claim 70%: for clicking through its errors.",
    "baseline-weighted-s": "the same with class weights and few parameters.",
}


def show(models: Sequence[Model]) -> None:
    """Draw which model is for what, the scoreboard, the claims and the plot of speed against accuracy."""
    st.subheader("Which model for what")
    names = {model.name for model in models}
    st.markdown(
        "\n".join(f"- **{plain(name)}**: {text}" for name, text in _PURPOSES.items() if name in names)
        or "No shipped model is here."
    )
    st.subheader("Scoreboard")
    st.markdown(
        "The bar through a dot is its **95% interval**: where two bars overlap much, the models may be "
        "equally good. Tick a row to open its model."
    )
    everything = False
    if len(scoreboard.listed(models, everything)) < len(models):
        everything = st.toggle(f"All {len(models)} models", key="models_everything")
    boards = scoreboard.boards(scoreboard.listed(models, everything))
    for board in boards:
        scoreboard.show(board)
    st.subheader("Claimed against measured")
    claims.show()
    st.subheader("Size, speed and accuracy")
    speed_plot.show(boards)
