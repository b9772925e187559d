"""All models: their accuracies, what READMEs claim for the same networks, and what accuracy costs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from . import claims, scoreboard, speed_plot
from .catalog import Model


def show(models: Sequence[Model]) -> None:
    """Draw the scoreboard, the claims and the plot of speed against accuracy."""
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
