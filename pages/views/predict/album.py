"""Album: many photos or a zip; results as they come, a table that sorts, and the photo behind each row."""

from __future__ import annotations

import hashlib
import io
from functools import partial

import pandas as pd
import streamlit as st

from fer_core.album import PictureResult, analyse, csv_text, pictures
from fer_core.bundle import Bundle
from fer_core.emotions import EMOJI
from fer_core.inference.unlike import unlike_training
from pages.shared import results, state, visitor
from pages.shared.faces import data_uri

from . import work

_KEY = "predict_album"
MEGABYTES = 400


def show(bundle: Bundle, detect: bool, unsure_below: float) -> None:
    """The view."""
    uploads = st.file_uploader(
        "Photos, or a zip of them",
        type=[*results.UPLOAD_TYPES, "zip"],
        accept_multiple_files=True,
        max_upload_size=visitor.upload_megabytes(MEGABYTES),
        key="predict_album_files",
    )
    if not uploads:
        st.info(
            "Drop hundreds of photos, or one zip with folders. They stay in memory; bad files are listed and the rest goes on.",
            icon=":material/photo_library:",
        )
        return
    named = " ".join(f"{upload.name} {upload.file_id}" for upload in uploads)
    what = hashlib.sha256(f"{bundle.path} {detect} {named}".encode()).hexdigest()
    with state.errors_shown():
        found = []
        for upload in uploads:
            if upload.name.lower().endswith(".zip"):
                found += pictures(io.BytesIO(upload.getvalue()))
            else:
                found += pictures([(upload.name, upload.getvalue())])
    if work.of(_KEY, what) is None:
        predictor = state.predictor(bundle)
        st.button(
            f"Classify {len(found):,} {'picture' if len(found) == 1 else 'pictures'}",
            key="predict_album_start",
            type="primary",
            icon=":material/play_arrow:",
            on_click=work.start,
            args=(
                _KEY,
                what,
                lambda tell, cancelled: analyse(
                    found, predictor, detect=detect, on_progress=tell, cancelled=cancelled
                ),
            ),
        )
        return
    work.follow(_KEY, partial(_draw, bundle, unsure_below, {picture.name: picture.read for picture in found}))


def _draw(bundle: Bundle, unsure_below: float, read: dict, done: work.Work) -> None:
    found: list[PictureResult] = list(done.results)
    if not found:
        return
    faces = [(result, face) for result in found for face in result.faces]
    bad = [result for result in found if result.error]
    empty = sum(not result.faces and not result.error for result in found)
    with st.container(horizontal=True):
        for name, value in (
            ("Pictures", len(found)),
            ("Faces", len(faces)),
            ("Unsure", sum(f.unsure(unsure_below) for _, f in faces)),
            ("Without a face", empty),
            ("Unreadable", len(bad)),
        ):
            st.metric(name, f"{value:,}", border=True, width=130)
    if faces:
        _table(bundle, unsure_below, faces, done.done, read)
    if bad:
        with st.expander(
            f"{len(bad):,} {'file' if len(bad) == 1 else 'files'} could not be read",
            icon=":material/broken_image:",
        ):
            for result in bad:
                st.markdown(f"- {result.error}")
    if done.done:
        st.download_button(
            "Download CSV",
            lambda: csv_text(found, bundle.labels, unsure_below),
            "album.csv",
            "text/csv",
            key="predict_album_csv",
            icon=":material/table:",
            on_click="ignore",
        )


def _table(bundle: Bundle, unsure_below: float, faces: list, done: bool, read: dict) -> None:
    frame = pd.DataFrame(
        [
            {
                "Face": data_uri(face.crop),
                "File": result.name,
                "Expression": "unsure"
                if face.unsure(unsure_below)
                else f"{EMOJI.get(face.label, '')} {face.label}",
                "Confidence": face.confidence,
                **{name: face.probabilities[name] for name in bundle.labels},
                "Unlike the training data": " ".join(unlike_training(face)),
            }
            for result, face in faces
        ]
    )
    share = {name: st.column_config.NumberColumn(name, format="percent") for name in bundle.labels}
    config = share | {
        "Face": st.column_config.ImageColumn(),
        "Confidence": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
    }
    event = st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        on_select="rerun" if done else "ignore",
        selection_mode="single-row",
        key="predict_album_table" if done else "predict_album_growing",
        alt="Faces of the album",
    )
    if not done:
        return
    chosen = event["selection"]["rows"] if event else []
    if not chosen:
        st.caption("Tick a row to see its photo; click a column's name to sort.")
        return
    name = faces[chosen[0]][0].name
    results.show(name, read[name](), bundle, unsure_below=unsure_below)
