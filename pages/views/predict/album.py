"""Album: many photos or a zip, with results as they come, a table that sorts, and the photo of each row."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.album import PictureResult, analyse, csv_text, pictures
from fer_core.bundles.bundle import Bundle
from fer_core.emotions import EMOJI
from fer_core.inference.input_warnings import input_warnings
from fer_core.wording import plural
from pages.session import cached_models, kept_files, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import photo_results
from pages.widgets.faces import data_uri

from . import upload_task
from .options import Options

_KEY, _FILES = "predict_album", "predict_album_files"
MEGABYTES = 400


def show(options: Options) -> None:
    """Draw the uploader, and the results of an album as they come."""
    bundle, detect, unsure_below = options.bundle, options.detect, options.unsure_below
    uploads = kept_files.upload(
        "Photos, or a zip of them",
        _FILES,
        accept_multiple_files=True,
        max_upload_size=visitor.upload_megabytes(MEGABYTES),
    )
    kept_files.show_clear(_FILES)
    if not uploads:
        upload_task.forget(_KEY)
        st.info(
            "Drop hundreds of photos, or one zip with folders. They stay in memory; files that cannot be "
            "read are listed.",
            icon=":material/photo_library:",
        )
        return
    inputs = upload_task.Inputs(tuple(upload.file_id for upload in uploads), (str(bundle.path), detect))
    with errors_shown():
        photos = []
        for upload in uploads:
            if upload.content[:4] == b"PK\x03\x04" or upload.name.lower().endswith(".zip"):
                photos += pictures(io.BytesIO(upload.content))
            else:
                photos += pictures([(upload.name, upload.content)])
    again = upload_task.has_other_settings(_KEY, inputs)
    if upload_task.current(_KEY, inputs) is None:
        predictor = cached_models.predictor(bundle)

        def classify(on_progress, cancelled) -> Iterator[PictureResult]:
            return analyse(photos, predictor, detect=detect, on_progress=on_progress, cancelled=cancelled)

        if again:
            upload_task.start(_KEY, inputs, classify)
        else:
            st.button(
                f"Classify {plural(len(photos), 'photo')}",
                key="predict_album_start",
                type="primary",
                icon=":material/play_arrow:",
                on_click=upload_task.start,
                args=(_KEY, inputs, classify),
            )
            return
    upload_task.follow(
        _KEY, partial(_draw, bundle, unsure_below, {picture.name: picture.read for picture in photos})
    )


def _draw(bundle: Bundle, unsure_below: float, read: dict, task: upload_task.UploadTask) -> None:
    results: list[PictureResult] = list(task.results)
    if not results:
        return
    faces = [(result, face) for result in results for face in result.faces]
    bad = [result for result in results if result.error]
    empty = sum(not result.faces and not result.error for result in results)
    with st.container(horizontal=True):
        for name, value in (
            ("Photos", len(results)),
            ("Faces", len(faces)),
            ("Unsure", sum(f.unsure(unsure_below) for _, f in faces)),
            ("Without a face", empty),
            ("Unreadable", len(bad)),
        ):
            st.metric(name, f"{value:,}", border=True, width=130)
    if faces:
        _table(bundle, unsure_below, faces, task.done, read)
    if bad:
        with st.expander(
            f"{plural(len(bad), 'file')} could not be read",
            icon=":material/broken_image:",
        ):
            for result in bad:
                st.markdown(f"- {plain(result.error)}")
    if task.done:
        st.download_button(
            "Download CSV",
            lambda: csv_text(results, cached_models.predictor(bundle).classifier, unsure_below),
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
                "Less certain because": ", ".join(warning.name for warning in input_warnings(face)),
                "Notes": " ".join(result.notes),
            }
            for result, face in faces
        ]
    )
    if not frame["Notes"].any():
        frame = frame.drop(columns="Notes")
    share = {name: st.column_config.NumberColumn(name, format="percent") for name in bundle.labels}
    config = share | {
        "Face": st.column_config.ImageColumn(),
        "Confidence": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
    }
    event: Any = st.dataframe(
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
        st.caption("Tick a row to see its photo; click the name of a column to sort.")
        return
    name = faces[chosen[0]][0].name
    photo_results.show(name, read[name](), bundle, unsure_below=unsure_below)
