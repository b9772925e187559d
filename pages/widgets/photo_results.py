"""Results of a photo: the annotated photo, its faces with probabilities, downloads."""

from __future__ import annotations

import hashlib
import html
import io
import json
import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from PIL import Image

from fer_core import album, imaging
from fer_core.album import PictureResult
from fer_core.bundles.bundle import Bundle
from fer_core.diagnostics import log
from fer_core.emotions import EMOJI
from fer_core.errors import ImageError
from fer_core.explanation.heat import scaled
from fer_core.explanation.occlusion import occlusion_maps
from fer_core.inference import FacePrediction, PicturePrediction
from fer_core.inference.drawing import draw_predictions
from fer_core.inference.input_warnings import input_warnings, one_line
from fer_core.wording import printable
from pages.session import cached_models, grad_cam
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain

from . import faces, heat_maps
from .component import style

SAMPLE = Path(__file__).parent.parent / "assets" / "portrait.jpg"
UPLOAD_MEGABYTES = 50
_CARDS_IN_A_ROW, _BARS = 2, 3  # of several faces; cards are below each other on a phone
_SHOWN_SIDE = 1200  # largest width and height in pixels that are sent to the browser


def classify(name: str, content: bytes, bundle: Bundle, detect: bool = True) -> PicturePrediction:
    """Read an uploaded photo and classify its faces; nothing is written to disk.

    Raises:
        ImageError: The photo cannot be read.
    """
    started = time.perf_counter()
    read = cached_models.predictor(bundle).predict_picture(content, detect=detect, name=name)
    log.event(
        "photo classified", faces=len(read.faces), milliseconds=round(1000 * (time.perf_counter() - started))
    )
    return read


def show(
    name: str, content: bytes, bundle: Bundle, detect: bool = True, unsure_below: float = 0.0
) -> PictureResult:
    """Classify a photo and draw the result, or the error if it cannot be read.

    Args:
        name: Name of the photo, unique on the page.
        content: The bytes of its file.
        bundle: The model.
        detect: Look for faces; otherwise the whole photo is one face.
        unsure_below: Faces with less confidence get no label.
    """
    try:
        read = classify(name, content, bundle, detect)
    except ImageError as error:
        st.error(plain(error), icon=":material/broken_image:")
        return PictureResult(printable(name), [], str(error))
    predictions = read.faces
    st.html(style(__file__))
    left, right = st.columns([3, 2], gap="medium")
    left = left.container(key=f"photo_picture_{hashlib.sha256(name.encode()).hexdigest()[:12]}")
    shown = _drawn(read, unsure_below)
    shown.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    summary = (
        ", ".join(
            "unsure" if face.unsure(unsure_below) else f"{face.label} {face.confidence:.0%}"
            for face in predictions
        )
        or "no face found"
    )
    left.image(
        shown,
        caption=plain(name),
        width="stretch" if shown.width > 500 else "content",
        alt=f"{name}: {summary}",
    )
    for note in read.notes:
        left.caption(f":material/info: {plain(note)}")
    with right:
        if predictions:
            st.download_button(
                "Annotated picture",
                lambda: _annotated(name, content, read, unsure_below),
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
        if len(predictions) == 1:
            _face(name, predictions[0], bundle, unsure=predictions[0].unsure(unsure_below))
        else:
            for i, face in enumerate(predictions):
                if i % _CARDS_IN_A_ROW == 0:  # rows of their own keep the order on a phone
                    columns = st.columns(_CARDS_IN_A_ROW, gap="small")
                with columns[i % _CARDS_IN_A_ROW].container(border=True, gap="xsmall"):
                    _card(name, i, face, bundle, unsure=face.unsure(unsure_below))
    return PictureResult(
        printable(name), read.faces, None, read.frame, tuple(read.notes), cut_off=read.cut_off
    )


def _drawn(read: PicturePrediction, unsure_below: float) -> Image.Image:
    """Return the picture upright, in its original size, with the marks of its faces."""
    picture = read.picture if read.picture.size == read.size else read.picture.resize(read.size)
    return draw_predictions(picture, read.faces, unsure_below)


def _annotated(name: str, content: bytes, read: PicturePrediction, unsure_below: float) -> bytes:
    frames = imaging.open_frames(content, name)  # the picture of `read` is reduced if it is very large
    picture = next((opened.picture for opened in frames if opened.frame == read.frame), read.picture)
    buffer = io.BytesIO()
    draw_predictions(picture, read.faces, unsure_below).save(buffer, "PNG")
    return buffer.getvalue()


def _answer(face: FacePrediction) -> str:
    return f"{EMOJI.get(face.label, '')} {face.label} {face.confidence:.0%}"


def _face(name: str, face: FacePrediction, bundle: Bundle, unsure: bool) -> None:
    """Draw the only face of a photo, with all its probabilities."""
    with st.container(border=True):
        crop, text = st.columns([1, 4], vertical_alignment="center")
        crop.image(face.crop, width=64, alt=f"face, {'unsure' if unsure else _answer(face)}")
        text.markdown("##### unsure" if unsure else f"##### {plain(_answer(face))}")
        if unsure:
            text.caption(f"At most {plain(_answer(face))}, which is below your threshold.")
        faces.probability_bars(face.probabilities)
        _details(name, 0, face, bundle)


def _card(name: str, index: int, face: FacePrediction, bundle: Bundle, unsure: bool) -> None:
    """Draw one face of several: its number on the picture, the most probable classes, the rest on demand."""
    answer = f"unsure: at most {_answer(face)}" if unsure else _answer(face)
    warnings = input_warnings(face)
    note = f"<small>{html.escape(one_line(warnings))}</small>" if warnings else ""
    st.html(
        f'<div class="fer-card"><img src="{faces.data_uri(face.crop)}" alt="face {index + 1}, '
        f'{html.escape(answer, quote=True)}"><b>{index + 1}: {html.escape(answer)}</b>'
        f"{faces.top_bars_html(face.probabilities, _BARS)}{note}</div>"
    )
    with st.popover("More", icon=":material/more_horiz:", key=f"more_{name}_{index}", width="stretch"):
        faces.probability_bars(face.probabilities)
        _details(name, index, face, bundle)


def _details(name: str, index: int, face: FacePrediction, bundle: Bundle) -> None:
    if warnings := input_warnings(face):
        details = " ".join(warning.detail for warning in warnings)
        st.caption(plain(one_line(warnings)), help=plain(details))
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


def downloads(results: Sequence[PictureResult], bundle: Bundle, unsure_below: float, key: str) -> None:
    """Draw the buttons that download all faces as JSON and CSV; a photo without a face has a row too."""
    if not results:
        return
    classifier = cached_models.predictor(bundle).classifier
    rows = album.rows(results, classifier, unsure_below)
    with st.container(horizontal=True):
        st.download_button(
            "Download JSON",
            json.dumps(rows, indent=1),
            "faces.json",
            "application/json",
            key=f"{key}_json",
            icon=":material/data_object:",
            on_click="ignore",
        )
        st.download_button(
            "Download CSV",
            album.csv_text(results, classifier, unsure_below),
            "faces.csv",
            "text/csv",
            key=f"{key}_csv",
            icon=":material/table:",
            on_click="ignore",
        )
