"""Estimated time of an epoch on this machine, from measurements."""

from __future__ import annotations

import subprocess
import sys

import streamlit as st

from fer_core.config import RunConfig
from fer_core.runs.speed import estimate
from pages.session import helpers, visitor
from pages.session.errors import errors_shown
from pages.widgets.durations import duration

_REFRESH_SECONDS = 1.0


@st.cache_resource
def _processes() -> dict[str, subprocess.Popen]:
    """Return the running measurement, one for all visitors."""
    return {}


def show(config: RunConfig, train_images: int, validation_images: int) -> None:
    """Draw the estimate for `config` and the button that measures it; the first visit measures by itself."""
    running = _running()
    st.fragment(_show, run_every=_REFRESH_SECONDS if running else None)(
        config, train_images, validation_images, running
    )


def _running() -> bool:
    process = _processes().get("one")
    return process is not None and process.poll() is None


def _show(config: RunConfig, train_images: int, validation_images: int, was_running: bool) -> None:
    running = _running()
    if was_running and not running:
        st.rerun()
    guess = estimate(config, train_images, validation_images)
    with st.container(horizontal=True, vertical_alignment="center"):
        if guess is not None:
            how = (
                "measured with this network"
                if guess.exact
                else "from other networks measured on this machine"
            )
            st.markdown(
                f"About **{duration(guess.seconds)}** per epoch, "
                f"**{duration(guess.seconds * config.train.epochs)}** in all "
                f"({guess.images_per_second:,.0f} images/s, {how}).",
                width="stretch",
            )
        else:
            st.markdown("The time of an epoch on this machine has not been measured yet.", width="stretch")
        if running:
            st.caption("Measuring ...")
        elif guess is None or not guess.exact:
            first = guess is None and "one" not in _processes() and visitor.hosted() is None
            if (
                st.button(
                    "Measure",
                    icon=":material/timer:",
                    key="time_measure",
                    help="Trains on random images for some seconds.",
                )
                or first
            ):
                with errors_shown():
                    _measure(config)
                st.rerun()
        if not running and (process := _processes().get("one")) is not None and process.returncode:
            st.caption("The last measurement failed.")


def _measure(config: RunConfig) -> None:
    command = [sys.executable, "-m", "fer_core", "speed", "--config", "-"]
    process = helpers.start(
        "The measurement",
        lambda: subprocess.Popen(
            command,
            env=helpers.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ),
    )
    assert process.stdin is not None
    process.stdin.write(config.model_dump_json().encode())
    process.stdin.close()
    _processes()["one"] = process
