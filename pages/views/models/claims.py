"""Accuracies that READMEs claim for small networks, beside those measured with the same networks."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.presets import PRESETS, card
from fer_core.wording import plural
from pages.session.foreign_text import plain
from pages.widgets import charts, interval_chart
from pages.widgets.interval_chart import MarkerStyle, Point, Row, format_plus_minus, percent


def show() -> None:
    """Draw the chart of measured presets and the table of all presets."""
    cards = [card(preset) for preset in PRESETS.values()]
    # Figures against the FER+ votes cannot be compared with figures against the labels.
    cards = [c for c in cards if not c["measured"] or c["measured"].get("truth") != "votes"]
    shown = sorted((c for c in cards if c["measured"] or claimed(c) is not None), key=lambda c: -_accuracy(c))
    st.markdown(_story(cards))
    if shown:
        rows = [_row(c) for c in shown]
        interval_chart.show(rows, "models_claims", "Claimed and measured accuracy")
    with st.expander("All presets, and how to repeat them", icon=":material/terminal:"):
        _table(cards)


def claimed(preset: dict[str, Any]) -> float | None:
    """Return the accuracy in a claim such as "about 70%" as a share, or None where it states none."""
    match = re.search(r"(\d+(?:\.\d+)?)\s*%", preset["claim"] or "")
    return float(match[1]) / 100 if match else None


def _accuracy(preset: dict[str, Any]) -> float:
    return preset["measured"]["accuracy"] if preset["measured"] else 0.0


def _story(cards: list[dict[str, Any]]) -> str:
    text = (
        "READMEs claim about 70% for small convolutional networks on FER2013. A preset repeats such a "
        "network with the published settings, and is measured on PrivateTest, on which nothing was chosen. "
        "A preset that trained for fewer epochs than published may reach more with all of them; the table "
        "shows which."
    )
    for preset in cards:
        claim = claimed(preset)
        if claim is not None and preset["measured"]:
            gap = 100 * (claim - preset["measured"]["accuracy"])
            text += (
                f" **{plain(preset['title'])}**: claimed {plain(preset['claim'])}, measured "
                f"**{percent(preset['measured']['accuracy'])}**, {abs(gap):.0f} points "
                f"{'less' if gap > 0 else 'more'}."
            )
    return text


def _row(preset: dict[str, Any]) -> Row:
    measured, claim = preset["measured"], claimed(preset)
    colour = charts.truth_colours()
    points = []
    if claim is not None:
        points.append(Point(MarkerStyle("claimed in a README", colour["votes"], "diamond-open", 12), claim))
    figure = "not yet measured"
    if measured:
        interval = tuple(measured["accuracy_ci95"])
        points.append(
            Point(
                MarkerStyle("measured on test", colour["labels"]),
                measured["accuracy"],
                interval,
                _epochs(preset),
            )
        )
        figure = format_plus_minus(measured["accuracy"], interval)
    return Row(preset["title"], figure, tuple(points))


def _epochs(preset: dict[str, Any]) -> str:
    measured = preset["measured"]
    if not measured:
        return ""
    each = f"{measured['epochs']} of {plural(preset['config']['train']['epochs'], 'epoch')}"
    return f"{measured['networks']} networks, {each} each" if measured["networks"] > 1 else each


def _table(cards: list[dict[str, Any]]) -> None:
    rows = []
    for preset in cards:
        measured = preset["measured"]
        rows.append(
            {
                "Preset": preset["name"],
                "Network": preset["title"],
                "Claimed": preset["claim"],
                "Measured": 100 * measured["accuracy"] if measured else None,
                "95% interval": "{:.1%} to {:.1%}".format(*measured["accuracy_ci95"]) if measured else None,
                "Epochs": _epochs(preset) or None,
                "Command": preset["command"],
            }
        )
    config = {
        "Claimed": st.column_config.TextColumn(
            help="What the README of the published network states; most state no figure."
        ),
        "Measured": st.column_config.NumberColumn(
            format="%.1f%%", help="Accuracy on the test split (PrivateTest)."
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
