"""What the components that run in the browser are told about a model."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fer_core.bundles.bundle import Bundle, model_sha256
from fer_core.csv_cells import harmless
from fer_core.emotions import COLOURS, EMOJI
from fer_core.errors import ModelError
from fer_core.inference import face_table
from fer_core.live import neutral
from pages.session.foreign_text import plain
from pages.widgets import in_browser

BROWSER, SERVER = "In this browser", "On the server"
_FASTEST = "photo-tiny"  # of the shipped models for faces in pictures
_GREY = "#8C8C8C"


def settings(bundle: Bundle, unsure_below: float, mirror: bool) -> dict[str, Any]:
    """Return the settings, as JSON values.

    Args:
        bundle: The model.
        unsure_below: Faces with less confidence get no label.
        mirror: Show the camera as a mirror does.
    """
    labels = list(bundle.labels)
    return {
        "labels": labels,
        "colours": [COLOURS.get(label, _GREY) for label in labels],
        "emoji": [EMOJI.get(label, "") for label in labels],
        "columns": [[name, harmless(name)] for name in face_table.columns(labels)],
        "landmarkNames": face_table.LANDMARKS,
        "model": {
            "name": harmless(bundle.name),
            "version": _version(bundle, str(bundle.path), in_browser.modified(bundle)),
        },
        "unsureBelow": unsure_below,
        "mirror": mirror,
    }


def live_settings(bundle: Bundle) -> dict[str, Any]:
    """Return what Live needs besides: the resting face of most people, and the way to a faster model."""
    try:
        usual = neutral.reference(bundle).tolist()
    except ModelError:  # no class neutral: no calibration
        usual = None
    faster = f"This device is slow with {bundle.name}: the model {_FASTEST} is faster."
    return {"usual": usual, "faster": "" if bundle.name == _FASTEST else faster}


def choose_way(key: str, server: str, help_: str, first: str = BROWSER) -> bool:
    """Draw the choice between the browser and the server, and return whether it is the browser.

    Args:
        key: Of the box.
        server: How the way through the server is called.
        help_: What the ways differ in.
        first: The way until one is chosen.
    """
    return (
        st.segmented_control(
            "Pictures are processed",
            (BROWSER, server),
            format_func=plain,
            default=first,
            required=True,
            key=key,
            persist_state="session",
            help=plain(help_),
        )
        == BROWSER
    )


def troubles() -> None:
    """Draw what can keep the browser from it, for sites that block even the component's own script."""
    with st.expander("Nothing happens?", icon=":material/help:"):
        st.markdown(
            "- Browsers give a page the camera only over https or from localhost, and with your permission.\n"
            '- In a frame of another site, the frame needs `allow="camera"`.\n'
            "- A Content-Security-Policy of the site has to allow `script-src 'self' blob: "
            "'wasm-unsafe-eval'` and `worker-src blob:`.\n"
            "- The browser needs WebAssembly SIMD: Chrome and Edge 91, Firefox 105, Safari 16.4 or newer.\n"
            "\nFaces are found by YuNet (MIT licence, Copyright (c) 2020 Shiqi Yu), whose weights are sent "
            "to your browser with those of the model."
        )


@st.cache_data(show_spinner=False, max_entries=16)
def _version(_bundle: Bundle, path: str, modified: int) -> str:
    return model_sha256(_bundle)[:12]
