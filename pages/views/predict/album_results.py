"""Results of an album: its figures, a table of faces that sorts, the photo of each row, and the downloads."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from fer_core.album import PictureResult, mixed_csv_text, rows, video_rows
from fer_core.bundles.bundle import Bundle
from fer_core.bundles.classifier import Classifier
from fer_core.emotions import EMOJI
from fer_core.inference import FacePrediction, face_means
from fer_core.inference.input_warnings import input_warnings
from fer_core.video import Timeline, Track
from fer_core.wording import plural
from pages.session import cached_models
from pages.session.foreign_text import plain
from pages.widgets import photo_results
from pages.widgets.faces import data_uri

from . import upload_task


def draw(bundle: Bundle, unsure_below: float, read: dict, task: upload_task.UploadTask) -> None:
    """Draw the figures, the table and the downloads of the results so far.

    Args:
        bundle: The model.
        unsure_below: Faces with less confidence are marked unsure.
        read: Name of each photo, and what reads it.
        task: The work on the album.
    """
    if not task.results:
        return
    results = [result for result in task.results if isinstance(result, PictureResult)]
    timelines = [result for result in task.results if isinstance(result, Timeline)]
    faces = [(result, face) for result in results for face in result.faces]
    tracks = [(timeline, track) for timeline in timelines for track in timeline.tracks]
    bad = [result for result in results if result.error]
    empty = sum(not result.faces and not result.error for result in results)
    with st.container(horizontal=True):
        for name, value in (
            ("Photos", len(results)),
            ("Videos", len(timelines)),
            ("Faces", len(faces) + len(tracks)),
            ("Unsure", sum(f.unsure(unsure_below) for _, f in faces)),
            ("Without a face", empty + sum(not timeline.tracks for timeline in timelines)),
            ("Unreadable", len(bad)),
        ):
            if value or name != "Videos":
                st.metric(name, f"{value:,}", border=True, width=130)
    shown = [_photo_row(result, face, unsure_below) for result, face in faces]
    shown += [_track_row(timeline, track, unsure_below) for timeline, track in tracks]
    if shown:
        _table(bundle, shown, task.done, [result.name for result, _ in faces], read, unsure_below)
    if bad:
        with st.expander(
            f"{plural(len(bad), 'file')} could not be read",
            icon=":material/broken_image:",
        ):
            for result in bad:
                st.markdown(f"- {plain(result.error)}")
    if task.done:
        _downloads(bundle, unsure_below, results, timelines)


def _downloads(
    bundle: Bundle, unsure_below: float, results: list[PictureResult], timelines: list[Timeline]
) -> None:
    """Draw the buttons for the table of faces, and for its means by file."""

    def faces() -> str:
        classifier = cached_models.predictor(bundle).classifier
        return mixed_csv_text(table(results, timelines, classifier, unsure_below), classifier)

    def means() -> str:
        classifier = cached_models.predictor(bundle).classifier
        of_faces = table(results, timelines, classifier, unsure_below)
        return face_means.csv_text(of_faces, classifier.labels, "file", unsure_below)

    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            faces,
            "album.csv",
            "text/csv",
            key="predict_album_csv",
            icon=":material/table:",
            on_click="ignore",
            help="One row a face; of a video, one row a face and moment.",
        )
        st.download_button(
            "Means by file",
            means,
            "means.csv",
            "text/csv",
            key="predict_album_means",
            icon=":material/table:",
            on_click="ignore",
            help="One row a file: the mean over its faces and moments.",
        )


def table(
    results: list[PictureResult], timelines: list[Timeline], classifier: Classifier, unsure_below: float
) -> list[dict[str, Any]]:
    """Return the rows of the table of faces, see `face_table`: of the photos, then of the videos."""
    of_videos = [row for timeline in timelines for row in video_rows(timeline, classifier, unsure_below)]
    return rows(results, classifier, unsure_below) + of_videos


def _photo_row(result: PictureResult, face: FacePrediction, unsure_below: float) -> dict[str, Any]:
    return {
        "Face": data_uri(face.crop),
        "File": result.name,
        "Expression": _expression(face.label, face.unsure(unsure_below)),
        "Confidence": face.confidence,
        **face.probabilities,
        "Less certain because": ", ".join(warning.name for warning in input_warnings(face)),
        "Notes": " ".join(result.notes),
    }


def _track_row(timeline: Timeline, track: Track, unsure_below: float) -> dict[str, Any]:
    """Return the row of a face of a video: the mean over its moments."""
    mean = dict(zip(timeline.labels, track.probabilities.mean(axis=0).tolist(), strict=True))
    first = max(mean, key=mean.__getitem__)
    return {
        "Face": data_uri(track.crop),
        "File": timeline.name,
        "Expression": _expression(first, mean[first] < unsure_below),
        "Confidence": mean[first],
        **mean,
        "Less certain because": "",
        "Notes": f"face {track.number}, {track.times[0]:.1f} to {track.times[-1]:.1f} s: mean of "
        f"{plural(len(track.times), 'moment')}",
    }


def _expression(label: str, unsure: bool) -> str:
    return "unsure" if unsure else f"{EMOJI.get(label, '')} {label}"


def _table(
    bundle: Bundle,
    rows: list[dict[str, Any]],
    done: bool,
    photos: list[str],
    read: dict,
    unsure_below: float,
) -> None:
    """Draw the table, and the photo of the row that is ticked.

    Args:
        bundle: The model.
        rows: Of the faces of the photos, then of the videos.
        done: No more rows will come.
        photos: Name of the photo of each of the first rows.
        read: Name of each photo, and what reads it.
        unsure_below: Faces with less confidence are marked unsure.
    """
    frame = pd.DataFrame(rows)
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
    if chosen[0] >= len(photos):
        st.caption("This face is in a video: the view Video shows its moments.")
        return
    name = photos[chosen[0]]
    photo_results.show(name, read[name](), bundle, unsure_below=unsure_below)
