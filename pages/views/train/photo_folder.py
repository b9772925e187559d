"""A folder of labelled photos: learn a new output layer from it, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import streamlit as st

from fer_core.bundles.bundle import DEFAULT_MODEL, MODELS_DIR, own_models_dir
from fer_core.emotions import NAMES
from fer_core.errors import ModelError
from fer_core.runs.manage import check_name
from pages.session import helpers, model_choice, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts
from pages.widgets.interval_chart import MarkerStyle, Point, Row, format_plus_minus, interval_chart

_LEARNED, _WAITING = "photo_folder_learned", "photo_folder_waiting"
_COMMAND = "python -m fer_core adapt --model standard --photos my-photos --name mine"


def show() -> None:
    """Draw the form, and the figures of the model that was learned."""
    st.markdown(
        "For many people instead of one: some hundred photos, each with one expression. The network stays as "
        "it is, and a new last layer is learned. The folder has a folder for each expression, or a file "
        "`labels.csv` with the columns `image` and `emotion`. The name of a file up to its number tells the "
        "person (`Al_Gore_0002.jpg`): accuracy is measured on people that the layer has not learned from."
    )
    if visitor.hosted() is not None:
        st.info(
            "This server reads no folders of visitors: start the app on your own machine, or run there",
            icon=":material/cloud_off:",
        )
        st.code(_COMMAND, language="bash")
        return
    options = model_choice.options()
    first = str(MODELS_DIR / DEFAULT_MODEL)
    with st.form("photo_folder", border=True):
        folder = st.text_input("Folder of labelled photos", key="photo_folder_path")
        models = st.multiselect(
            "Models whose features it learns from",
            list(options),
            default=[first] if first in options else None,
            format_func=options.__getitem__,
            key="photo_folder_models",
            help="Several models answer together. `standard` and `ferplus` have the same features.",
        )
        untrusted = st.multiselect(
            "Expressions whose labels are mostly wrong",
            NAMES,
            key="photo_folder_untrusted",
            help="They are not learned from, and keep the output of the models. So do expressions with fewer "
            "than 30 faces.",
        )
        name = st.text_input("Name of the new model", "my-photos", key="photo_folder_name")
        asked = st.form_submit_button("Learn from the photos", type="primary", icon=":material/bolt:")
    st.caption("This takes about three minutes for a thousand photos. Leaving the page stops it.")
    if asked:
        with errors_shown(stop=False):
            st.session_state[_LEARNED] = _learn(folder.strip(), models, untrusted, name.strip())
    if learned := st.session_state.get(_LEARNED):
        _figures(learned)


def _learn(folder: str, models: list[str], untrusted: list[str], name: str) -> dict[str, Any]:
    """Run the command `adapt`, and return what it prints.

    Raises:
        ModelError: Something is missing in the form, or the command failed.
    """
    if not folder or not models:
        raise ModelError("Name the folder of the photos, and choose at least one model.")
    check_name(name)
    command = [sys.executable, "-m", "fer_core", "adapt", "--photos", folder, "--name", name, "--json"]
    command += [word for model in models for word in ("--model", model)]
    command += [word for label in untrusted for word in ("--untrusted", label)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as messages:
        process = helpers.start(
            "Learning from photos",
            lambda: subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=messages, env=helpers.environment()
            ),
        )
        try:
            with st.spinner("Learning from the photos ...", show_time=True):
                while process.poll() is None:
                    time.sleep(0.2)
                    st.session_state[_WAITING] = True  # raises where the page was left or drawn again
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        out.seek(0)
        messages.seek(0)
        if process.returncode:
            raise ModelError(helpers.failure(messages.read(), process.returncode))
        return json.loads(out.read())


def _figures(learned: dict[str, Any]) -> None:
    name = Path(learned["bundle"]).name
    where = " among your models" if Path(learned["bundle"]).parent == own_models_dir() else ""
    st.success(f"The model {plain(name)} is ready{where}.", icon=":material/check:")
    style = MarkerStyle("Accuracy on people not learned from", charts.truth_colours()["labels"])
    rows = []
    for part, figures in learned["figures"].items():
        bounds = (figures["accuracy_ci95"][0], figures["accuracy_ci95"][1])
        figure = format_plus_minus(figures["accuracy"], bounds)
        rows.append(Row(part.capitalize(), figure, (Point(style, figures["accuracy"], bounds),)))
    st.plotly_chart(interval_chart(rows), config=charts.CONFIG, key="photo_folder_chart", alt="Accuracy")
    with st.container(horizontal=True):
        st.page_link("pages/predict.py", label="Predict with it", icon=":material/photo_camera:")
        st.page_link("pages/models.py", label="Its card", icon=":material/description:")
