"""What READMEs claim for small networks beside what the same networks measure."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.presets import PRESETS, card

from . import charts, scoreboard
from .interval_chart import Dot, Look, Row, around, interval_chart, percent


def show() -> None:
    """The chart of the measured presets, and the table of all."""
    cards = [card(preset) for preset in PRESETS.values()]
    # What is measured against FER+ voters has no place beside figures against the labels.
    cards = [c for c in cards if not c["measured"] or c["measured"].get("truth") != "votes"]
    known = sorted((c for c in cards if c["measured"] or claimed(c) is not None), key=lambda c: -_accuracy(c))
    st.markdown(_story(cards))
    if known:
        rows = [_row(c) for c in known]
        st.plotly_chart(
            interval_chart(rows),
            config=charts.CONFIG,
            key="models_claims",
            alt="Claimed and measured accuracy: " + "; ".join(f"{row.name} {row.figure}" for row in rows),
        )
    with st.expander("All presets, and how to repeat them", icon=":material/terminal:"):
        _table(cards)


def claimed(known: dict[str, Any]) -> float | None:
    """The accuracy in a claim such as "about 70 %", as a share."""
    found = re.search(r"(\d+(?:\.\d+)?)\s*%", known["claim"] or "")
    return float(found[1]) / 100 if found else None


def _accuracy(known: dict[str, Any]) -> float:
    return known["measured"]["accuracy"] if known["measured"] else 0.0


def _story(cards: list[dict[str, Any]]) -> str:
    text = (
        "READMEs claim about 70 % for small convolutional networks on FER2013. A preset repeats such a network with the published "
        "settings, and is measured on PrivateTest, on which nothing was chosen. Where it trained for fewer epochs than published, more "
        "of them may raise the figure; the table says which."
    )
    for known in cards:
        claim = claimed(known)
        if claim is not None and known["measured"]:
            gap = 100 * (claim - known["measured"]["accuracy"])
            text += (
                f" **{known['title']}**: claimed {known['claim']}, measured **{percent(known['measured']['accuracy'])}**, "
                f"{abs(gap):.0f} points {'less' if gap > 0 else 'more'}."
            )
    return text


def _row(known: dict[str, Any]) -> Row:
    measured, claim = known["measured"], claimed(known)
    colour = scoreboard.colours()
    dots = []
    if claim is not None:
        dots.append(Dot(Look("claimed in a README", colour["votes"], "diamond-open", 12), claim))
    figure = "not measured yet"
    if measured:
        interval = tuple(measured["accuracy_ci95"])
        dots.append(
            Dot(Look("measured on test", colour["labels"]), measured["accuracy"], interval, _epochs(known))
        )
        figure = around(measured["accuracy"], interval)
    return Row(known["title"], figure, tuple(dots))


def _epochs(known: dict[str, Any]) -> str:
    measured = known["measured"]
    if not measured:
        return ""
    each = f"{measured['epochs']} of {known['config']['train']['epochs']} epochs"
    return f"{measured['networks']} networks, {each} each" if measured["networks"] > 1 else each


def _table(cards: list[dict[str, Any]]) -> None:
    rows = []
    for known in cards:
        measured = known["measured"]
        rows.append(
            {
                "Preset": known["name"],
                "Network": known["title"],
                "Claimed": known["claim"],
                "Measured": 100 * measured["accuracy"] if measured else None,
                "95 % interval": "{:.1%} to {:.1%}".format(*measured["accuracy_ci95"]) if measured else None,
                "Epochs": _epochs(known) or None,
                "Command": known["command"],
            }
        )
    config = {
        "Claimed": st.column_config.TextColumn(
            help="What the README of the published network states; most state no figure."
        ),
        "Measured": st.column_config.NumberColumn(
            format="%.1f %%", help="Accuracy on the test split (PrivateTest)."
        ),
        "Epochs": st.column_config.TextColumn(
            help="Trained epochs of those that were published. Fewer: more may raise the figure."
        ),
    }
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config=config,
        placeholder="-",
        key="models_presets",
        alt="All presets",
    )
