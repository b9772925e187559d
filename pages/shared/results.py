"""The result of a prediction: annotated picture, faces with probabilities, downloads."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import streamlit as st
from PIL import Image

from fer_core import imaging
from fer_core.bundle import Bundle
from fer_core.emotions import EMOJI
from fer_core.errors import ImageError
from fer_core.inference import FacePrediction
from fer_core.inference.drawing import draw_predictions

from . import faces, state

SAMPLE = Path(__file__).parent.parent / "assets" / "portrait.jpg"
UPLOAD_TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"]
UPLOAD_MEGABYTES = 50
_SHOWN_SIDE = 1200  # a large photo is drawn and sent to the browser at most this wide


def classify(name: str, content: bytes, bundle: Bundle, detect: bool = True) -> tuple[Image.Image, list[FacePrediction]]:
    """Read one uploaded picture and classify its faces; nothing is written to disk.

    Raises:
        ImageError: it cannot be read.
    """
    picture = imaging.open_image(content, name)
    return picture, state.predictor(bundle).predict(picture, detect=detect)


def show(name: str, content: bytes, bundle: Bundle, detect: bool = True, unsure_below: float = 0.0) -> list[FacePrediction]:
    """Show what one picture gives; an unreadable one is one sentence. Faces with less confidence than `unsure_below` get no label."""
    try:
        picture, found = classify(name, content, bundle, detect)
    except ImageError as error:
        st.error(str(error), icon=":material/broken_image:")
        return []
    left, right = st.columns([3, 2], gap="medium")
    shown = draw_predictions(picture, found, unsure_below)
    shown.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    summary = (
        ", ".join("unsure" if face.unsure(unsure_below) else f"{face.label} {face.confidence:.0%}" for face in found) or "no face found"
    )
    left.image(shown, caption=name, width="stretch" if shown.width > 500 else "content", alt=f"{name}: {summary}")
    with right:
        if not found:
            st.info("No face was found. If the picture is one cropped face, switch off “Find faces”.", icon=":material/search_off:")
        for i, face in enumerate(found):
            _face(i, face, many=len(found) > 1, unsure=face.unsure(unsure_below))
    return found


def _face(index: int, face: FacePrediction, many: bool, unsure: bool) -> None:
    with st.container(border=True):
        title = f"Face {index + 1}: " if many else ""
        crop, text = st.columns([1, 4], vertical_alignment="center")
        crop.image(face.crop, width=64, alt="the 48 by 48 grey picture that the model saw")
        said = f"{EMOJI.get(face.label, '')} {face.label} {face.confidence:.0%}"
        text.markdown(f"##### {title}unsure" if unsure else f"##### {title}{said}")
        if unsure:
            text.caption(f"At most {said}, which is below your threshold.")
        faces.probability_bars(face.probabilities)


def downloads(results: dict[str, list[FacePrediction]], key: str) -> None:
    """JSON and CSV of all faces."""
    if not any(results.values()):
        return
    rows = [
        {"file": name, "face": i + 1, **dict(zip(("x", "y", "width", "height"), face.box, strict=True)),
         "score": face.score, "label": face.label, **face.probabilities}
        for name, found in results.items() for i, face in enumerate(found)
    ]  # fmt: skip
    as_json = [{"file": name, "faces": [face.as_json() for face in found]} for name, found in results.items()]
    with st.container(horizontal=True):
        st.download_button("Download JSON", json.dumps(as_json, indent=1), "faces.json", "application/json", key=f"{key}_json",
                           icon=":material/data_object:", on_click="ignore")  # fmt: skip
        buffer = io.StringIO()
        pd.DataFrame(rows).to_csv(buffer, index=False)
        st.download_button("Download CSV", buffer.getvalue(), "faces.csv", "text/csv", key=f"{key}_csv",
                           icon=":material/table:", on_click="ignore")  # fmt: skip
