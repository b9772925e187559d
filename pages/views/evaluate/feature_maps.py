"""Feature maps of a face, layer by layer."""

from __future__ import annotations

import hashlib
import html

import numpy as np
import streamlit as st

from fer_core.bundles.bundle import Bundle
from fer_core.evaluation.record import model_hash
from fer_core.explanation.feature_maps import LayerMaps
from fer_core.wording import plural
from fer_core.zoo.layer_plan import shape_text
from pages.session import grad_cam
from pages.session.errors import errors_shown
from pages.widgets.component import style
from pages.widgets.faces import data_uri


def show(bundle: Bundle, image: np.ndarray) -> None:
    """Draw a switch, and below it the feature maps of a face, (48, 48) uint8."""
    if not st.toggle(
        "Feature maps",
        key="evaluate_feature_maps",
        persist_state="session",
        help="What the layers compute from this face, from edges in the first to coarse maps in the last.",
    ):
        return
    with errors_shown(stop=False):
        process = grad_cam.process(bundle)
        if grad_cam.show_starting(process):
            return
        layers = _computed(bundle, model_hash(bundle), hashlib.sha256(image.tobytes()).hexdigest(), image)
        st.html(style(__file__) + "".join(_row(maps) for maps in layers))
        st.caption(
            "The channels of each layer with the highest mean activation, each from its lowest value (black) "
            "to its highest (white)."
        )


@st.cache_resource(max_entries=20, show_spinner=False)
def _computed(_bundle: Bundle, model: str, face: str, _image: np.ndarray) -> list[LayerMaps]:
    return grad_cam.process(_bundle).feature_maps(_image)


def _row(maps: LayerMaps) -> str:
    layer, shown, total = html.escape(maps.layer, quote=True), len(maps.channels), maps.shape[2]
    channels = plural(total, "channel") if shown == total else f"{shown} of {plural(total, 'channel')}"
    pictures = "".join(
        f'<img src="{data_uri(picture)}" alt="{layer}, channel {channel:d}">'
        for channel, picture in zip(maps.channels, maps.maps, strict=True)
    )
    return (
        f'<section class="fer-maps"><h6>{layer}<small>{shape_text(maps.shape)} · {channels}</small></h6>'
        f"<div>{pictures}</div></section>"
    )
