"""Video: faces tracked over time, with a timeline, the frame at a moment, and the annotated video."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.emotions import COLOURS, EMOJI
from fer_core.inference import face_means
from fer_core.video import Timeline, Track, VideoReader, analyse_video, annotate_video
from fer_core.video.analysis import DEFAULT_RATE, DEFAULT_SMOOTHING
from fer_core.video.annotate import annotated
from fer_core.video.reader import SUFFIXES
from fer_core.wording import plural
from pages.session import cached_models, kept_files, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts, faces

from . import upload_task
from .options import Options

_KEY, _FILE, _MADE = "predict_video", "predict_video_file", "predict_video_made"
_AT, _FACE = "predict_video_at", "predict_video_face"
MEGABYTES = 400


def show(options: Options) -> None:
    """Draw the uploader, and the timeline of a video."""
    bundle, unsure_below = options.bundle, options.unsure_below
    uploads = kept_files.upload(
        "Video of up to 10 minutes",
        _FILE,
        type=[suffix[1:] for suffix in SUFFIXES],
        max_upload_size=visitor.upload_megabytes(MEGABYTES),
    )
    kept_files.show_clear(_FILE)
    left, right = st.columns(2)
    rate = left.slider(
        "Frames per second",
        1,
        25,
        int(DEFAULT_RATE),
        key="predict_video_rate",
        persist_state="session",
        help="Frames that are classified; more take longer and show faster changes.",
    )
    smoothing = right.slider(
        "Smoothing",
        0.0,
        3.0,
        DEFAULT_SMOOTHING,
        0.1,
        format="%.1f s",
        key="predict_video_smoothing",
        persist_state="session",
        help="Probabilities are averaged over about this time, so that they do not flicker.",
    )
    if not uploads:
        for key in (_KEY, _MADE):
            upload_task.forget(key)
        st.info(
            "Drop a video. It is read frame by frame in memory; the sound is ignored.",
            icon=":material/movie:",
        )
        return
    (upload,) = uploads
    content = upload.content
    inputs = upload_task.Inputs((upload.file_id, rate, smoothing), (str(bundle.path),))
    again = upload_task.has_other_settings(_KEY, inputs)
    if upload_task.current(_KEY, inputs) is None:
        predictor = cached_models.predictor(bundle)

        def track_faces(on_progress, cancelled) -> Iterator[Timeline]:
            yield analyse_video(
                io.BytesIO(content),
                predictor,
                name=upload.name,
                rate=rate,
                smoothing=smoothing,
                on_progress=on_progress,
                cancelled=cancelled,
            )

        if again:
            _begin(inputs, track_faces)
        else:
            st.button(
                "Track the faces",
                key="predict_video_start",
                type="primary",
                icon=":material/play_arrow:",
                on_click=_begin,
                args=(inputs, track_faces),
            )
            return
    upload_task.follow(_KEY, partial(_draw, content, unsure_below))


def _begin(inputs: upload_task.Inputs, work: upload_task.Generate) -> None:
    for key in (_AT, _FACE, _MADE):
        st.session_state.pop(key, None)
    upload_task.start(_KEY, inputs, work)


def _draw(content: bytes, unsure_below: float, task: upload_task.UploadTask) -> None:
    if not task.results:
        return
    timeline: Timeline = task.results[0]
    with st.container(horizontal=True):
        for name, value in (
            ("Length", f"{timeline.duration:.1f} s"),
            ("Faces", f"{len(timeline.tracks):,}"),
            ("Frames", f"{len(timeline.times):,}"),
        ):
            st.metric(name, value, border=True, width=140)
    if timeline.damaged:
        st.caption(f"{plural(timeline.damaged, 'part')} of the file could not be decoded and were skipped.")
    if not timeline.tracks:
        st.info("No face was found in this video.", icon=":material/search_off:")
        return
    track = _choose_face(timeline)
    _chart(timeline, track)
    _moment(timeline, content, unsure_below)
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            lambda: timeline.csv_text(unsure_below),
            "timeline.csv",
            "text/csv",
            key="predict_video_csv",
            icon=":material/table:",
            on_click="ignore",
        )
        st.download_button(
            "Means by face",
            lambda: face_means.csv_text(timeline.rows(unsure_below), timeline.labels, "face", unsure_below),
            "means.csv",
            "text/csv",
            key="predict_video_means",
            icon=":material/table:",
            on_click="ignore",
            help="One row a face: the mean over the time in which it is visible.",
        )
        if upload_task.current(_MADE, task.inputs) is None:
            st.button(
                "Create the annotated video",
                key="predict_video_make",
                icon=":material/movie_edit:",
                on_click=_annotate,
                args=(task.inputs, content, timeline, unsure_below),
            )
    if _MADE in st.session_state:
        upload_task.follow(_MADE, _annotated_video)


def _choose_face(timeline: Timeline) -> Track:
    tracks = {track.number: track for track in timeline.tracks}
    if st.session_state.get(_FACE) not in tracks:  # the face that is visible longest
        st.session_state[_FACE] = max(tracks, key=lambda number: len(tracks[number].times))
    number = st.pills("Face", list(tracks), format_func=lambda n: f"Face {n:d}", required=True, key=_FACE)
    assert number is not None  # required, and chosen above
    track = tracks[number]
    mean = track.smoothed.mean(axis=0)
    first = timeline.labels[int(mean.argmax())]
    picture, text = st.columns([1, 8], vertical_alignment="center")
    picture.image(track.crop, width=72, alt=f"face {number}, mostly {first}")
    text.markdown(
        f"Visible from {track.times[0]:.1f} to {track.times[-1]:.1f} s, mostly **{EMOJI.get(first, '')} "
        f"{plain(first)}** ({mean.max():.0%} on average)."
    )
    return track


def _chart(timeline: Timeline, track: Track) -> None:
    figure = go.Figure()
    gap = 2 * float(np.median(np.diff(timeline.times))) if len(timeline.times) > 1 else 1.0
    # no line while the face was out of sight
    breaks = np.flatnonzero(np.diff(track.times) > max(gap, 0.5)) + 1
    times = np.insert(track.times, breaks, np.nan)
    for i, name in enumerate(timeline.labels):
        figure.add_scatter(
            x=times,
            y=np.insert(track.smoothed[:, i].astype(float), breaks, np.nan),
            name=name,
            mode="lines+markers",
            line={"color": COLOURS.get(name), "width": 2},
            marker={"size": 4},
            hovertemplate=f"{name} %{{y:.0%}} at %{{x:.1f}} s<extra></extra>",
        )
    figure.add_vline(x=_at(timeline), line={"color": "rgba(128,128,128,.9)", "dash": "dot"})
    figure.update_layout(
        height=330,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        dragmode=False,
        clickmode="event+select",
        xaxis={"title": "seconds", "range": [0, max(timeline.duration, 0.1)], "fixedrange": True},
        yaxis={"tickformat": ".0%", "range": [0, 1.02], "fixedrange": True},
        legend={"orientation": "h", "y": -0.25},
    )
    figure.update_traces(selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}})
    st.plotly_chart(
        figure,
        config=charts.CONFIG,
        key="predict_video_chart",
        on_select=_clicked,
        selection_mode="points",
        alt=f"Probabilities of face {track.number} over time",
    )
    st.caption("Click a point to see that moment.")


def _clicked() -> None:
    points = (st.session_state.get("predict_video_chart") or {}).get("selection", {}).get("points", [])
    if points:
        st.session_state[_AT] = float(points[0]["x"])


def _at(timeline: Timeline) -> float:
    """Return the selected moment in seconds: at first, the one with the highest confidence."""
    if _AT not in st.session_state:
        track = max(timeline.tracks, key=lambda track: float(track.smoothed.max()))
        st.session_state[_AT] = float(track.times[track.smoothed.max(axis=1).argmax()])
    return min(max(0.0, st.session_state[_AT]), timeline.duration)


def _moment(timeline: Timeline, content: bytes, unsure_below: float) -> None:
    time = _at(timeline)
    with errors_shown(stop=False):
        with VideoReader(io.BytesIO(content), timeline.name) as video:
            frame = video.frame_at(time)
        visible = timeline.at(frame.time)
        left, right = st.columns([3, 2], gap="medium")
        answer = (
            ", ".join(
                f"face {face.number} {max(face.probabilities, key=face.probabilities.__getitem__)}"
                for face in visible
            )
            or "no face"
        )
        left.image(
            annotated(frame.pixels, visible, unsure_below),
            caption=f"{frame.time:.1f} s",
            width="stretch",
            alt=f"frame at {frame.time:.1f} s: {answer}",
        )
        with right:
            for face in visible:
                st.markdown(f"**Face {face.number:d}**")
                faces.probability_bars(face.probabilities)


def _annotate(inputs: upload_task.Inputs, content: bytes, timeline: Timeline, unsure_below: float) -> None:
    def write(on_progress, cancelled) -> Iterator[bytes]:
        out = io.BytesIO()
        if annotate_video(
            io.BytesIO(content),
            timeline,
            out,
            unsure_below=unsure_below,
            on_progress=on_progress,
            cancelled=cancelled,
        ):
            yield out.getvalue()

    upload_task.start(_MADE, inputs, write)


def _annotated_video(task: upload_task.UploadTask) -> None:
    if not task.results:
        return
    st.video(task.results[0])
    st.download_button(
        "Download video",
        task.results[0],
        "faces.mp4",
        "video/mp4",
        key="predict_video_mp4",
        icon=":material/download:",
        on_click="ignore",
    )
