"""Results of a photo: the annotated photo, its faces with probabilities, downloads."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pandas as pd
import streamlit as st
from PIL import Image

from fer_core import imaging
from fer_core.bundles.bundle import Bundle
from fer_core.diagnostics import log
from fer_core.emotions import EMOJI
from fer_core.errors import ImageError
from fer_core.explanation.heat import scaled
from fer_core.explanation.occlusion import occlusion_maps
from fer_core.inference import FacePrediction
from fer_core.inference.drawing import draw_predictions
from fer_core.inference.input_warnings import input_warnings
from pages.session import cached_models, grad_cam
from pages.session.errors import errors_shown

from . import faces, heat_maps

SAMPLE = Path(__file__).parent.parent / "assets" / "portrait.jpg"
UPLOAD_TYPES = [suffix[1:] for suffix in imaging.SUFFIXES]
UPLOAD_MEGABYTES = 50
_SHOWN_SIDE = 1200  # largest width and height in pixels that are sent to the browser


def classify(
    name: str, content: bytes, bundle: Bundle, detect: bool = True
) -> tuple[Image.Image, list[FacePrediction]]:
    """Read an uploaded photo and classify its faces; nothing is written to disk.

    Raises:
        ImageError: The photo cannot be read.
    """
    picture = imaging.open_image(content, name)
    started = time.perf_counter()
    faces_found = cached_models.predictor(bundle).predict(picture, detect=detect)
    log.event(
        "photo classified", faces=len(faces_found), milliseconds=round(1000 * (time.perf_counter() - started))
    )
    return picture, faces_found


def show(
    name: str, content: bytes, bundle: Bundle, detect: bool = True, unsure_below: float = 0.0
) -> list[FacePrediction]:
    """Classify a photo and draw the result, or the error of a photo that cannot be read.

    Args:
        name: Name of the photo, unique on the page.
        content: The bytes of its file.
        bundle: The model.
        detect: Look for faces; otherwise the whole photo is one face.
        unsure_below: Faces with less confidence get no label.
    """
    try:
        picture, predictions = classify(name, content, bundle, detect)
    except ImageError as error:
        st.error(str(error), icon=":material/broken_image:")
        return []
    left, right = st.columns([3, 2], gap="medium")
    shown = draw_predictions(picture, predictions, unsure_below)
    shown.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    summary = (
        ", ".join(
            "unsure" if face.unsure(unsure_below) else f"{face.label} {face.confidence:.0%}"
            for face in predictions
        )
        or "no face found"
    )
    left.image(
        shown, caption=name, width="stretch" if shown.width > 500 else "content", alt=f"{name}: {summary}"
    )
    with right:
        if predictions:
            st.download_button(
                "Annotated picture",
                lambda: _annotated(picture, predictions, unsure_below),
                f"{Path(name).stem}-faces.png",
                "image/png",
                key=f"annotated_{name}",
                icon=":material/image:",
                on_click="ignore",
            )
        if not predictions:
            st.info(
                "No face was found. If the photo is one cropped face, switch off “Find faces”.",
                icon=":material/search_off:",
            )
        for i, face in enumerate(predictions):
            _face(name, i, face, bundle, many=len(predictions) > 1, unsure=face.unsure(unsure_below))
    return predictions


def _annotated(picture: Image.Image, predictions: list[FacePrediction], unsure_below: float) -> bytes:
    buffer = io.BytesIO()
    draw_predictions(picture, predictions, unsure_below).save(buffer, "PNG")
    return buffer.getvalue()


def _face(name: str, index: int, face: FacePrediction, bundle: Bundle, many: bool, unsure: bool) -> None:
    with st.container(border=True):
        title = f"Face {index + 1}: " if many else ""
        crop, text = st.columns([1, 4], vertical_alignment="center")
        crop.image(face.crop, width=64, alt="the 48 by 48 grey image that the model saw")
        answer = f"{EMOJI.get(face.label, '')} {face.label} {face.confidence:.0%}"
        text.markdown(f"##### {title}unsure" if unsure else f"##### {title}{answer}")
        if unsure:
            text.caption(f"At most {answer}, which is below your threshold.")
        faces.probability_bars(face.probabilities)
        for sentence in input_warnings(face):
            st.caption(f":material/warning: {sentence}")
        if st.toggle(
            "Why?",
            key=f"why_{name}_{index}",
            help="Where the model looks (Grad-CAM), and what it needs (occlusion).",
        ):
            _why(face, bundle)


def _why(face: FacePrediction, bundle: Bundle) -> None:
    which = bundle.labels.index(face.label)
    drops = occlusion_maps(cached_models.predictor(bundle).classifier, face.crop)[which]
    points = 100 * float(drops.max())
    line = f"A grey patch on the brightest spot lowers {face.label} by about {points:.0f} points."
    heat_maps.show([(face.crop, scaled(drops), line)])
    with errors_shown(stop=False):
        process = grad_cam.process(bundle)
        if not grad_cam.show_starting(process):
            heat_maps.show(
                [
                    (
                        face.crop,
                        process.maps(face.crop[None])[0, which],
                        f"Evidence for {face.label}: the brighter, the stronger.",
                    )
                ]
            )


def downloads(results: dict[str, list[FacePrediction]], key: str) -> None:
    """Draw the buttons that download all faces as JSON and CSV."""
    if not any(results.values()):
        return
    rows = [
        {
            "file": name,
            "face": i + 1,
            **dict(zip(("x", "y", "width", "height"), face.box, strict=True)),
            "score": face.score,
            "label": face.label,
            **face.probabilities,
        }
        for name, predictions in results.items()
        for i, face in enumerate(predictions)
    ]
    as_json = [
        {"file": name, "faces": [face.as_json() for face in predictions]}
        for name, predictions in results.items()
    ]
    with st.container(horizontal=True):
        st.download_button(
            "Download JSON",
            json.dumps(as_json, indent=1),
            "faces.json",
            "application/json",
            key=f"{key}_json",
            icon=":material/data_object:",
            on_click="ignore",
        )
        buffer = io.StringIO()
        pd.DataFrame(rows).to_csv(buffer, index=False)
        st.download_button(
            "Download CSV",
            buffer.getvalue(),
            "faces.csv",
            "text/csv",
            key=f"{key}_csv",
            icon=":material/table:",
            on_click="ignore",
        )
