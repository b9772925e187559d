"""Video: faces followed over time, their expressions on a timeline, the frame behind a moment, and the video with boxes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.bundle import Bundle
from fer_core.emotions import COLOURS, EMOJI
from fer_core.video import Timeline, Track, VideoReader, analyse_video, annotate_video
from fer_core.video.analysis import DEFAULT_RATE, DEFAULT_SMOOTHING
from fer_core.video.annotate import annotated
from fer_core.video.reader import SUFFIXES
from pages.shared import charts, faces, state, visitor

from . import work

_KEY, _MADE = "predict_video", "predict_video_made"
_AT, _FACE = "predict_video_at", "predict_video_face"
MEGABYTES = 400


def show(bundle: Bundle, unsure_below: float) -> None:
    """The view."""
    upload = st.file_uploader(
        "Video of up to 10 minutes",
        type=[suffix[1:] for suffix in SUFFIXES],
        max_upload_size=visitor.upload_megabytes(MEGABYTES),
        key="predict_video_file",
    )
    left, right = st.columns(2)
    rate = left.slider(
        "Looks a second",
        1,
        25,
        int(DEFAULT_RATE),
        key="predict_video_rate",
        persist_state="session",
        help="Frames that are classified; more take longer and show quicker changes.",
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
        help="Probabilities are averaged over about so many seconds, so that single frames do not flicker.",
    )
    if upload is None:
        st.info(
            "Drop a video. It is read frame by frame in memory; its sound is not used.",
            icon=":material/movie:",
        )
        return
    content = upload.getvalue()
    what = hashlib.sha256(f"{bundle.path} {upload.file_id} {rate} {smoothing}".encode()).hexdigest()
    if work.of(_KEY, what) is None:
        predictor = state.predictor(bundle)

        def look(tell, cancelled) -> Iterator[Timeline]:
            yield analyse_video(
                io.BytesIO(content),
                predictor,
                name=upload.name,
                rate=rate,
                smoothing=smoothing,
                on_progress=tell,
                cancelled=cancelled,
            )

        st.button(
            "Follow the faces",
            key="predict_video_start",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_begin,
            args=(what, look),
        )
        return
    work.follow(_KEY, partial(_draw, content, unsure_below))


def _begin(what: str, look: work.Generate) -> None:
    for key in (_AT, _FACE, _MADE):
        st.session_state.pop(key, None)
    work.start(_KEY, what, look)


def _draw(content: bytes, unsure_below: float, done: work.Work) -> None:
    if not done.results:
        return
    timeline: Timeline = done.results[0]
    with st.container(horizontal=True):
        for name, value in (
            ("Length", f"{timeline.duration:.1f} s"),
            ("Faces", f"{len(timeline.tracks):,}"),
            ("Looks", f"{len(timeline.times):,}"),
        ):
            st.metric(name, value, border=True, width=140)
    if timeline.damaged:
        st.caption(f"{timeline.damaged:,} parts of the file could not be decoded and were skipped.")
    if not timeline.tracks:
        st.info("No face was found in this video.", icon=":material/search_off:")
        return
    track = _choose_face(timeline)
    _chart(timeline, track)
    _moment(timeline, content, unsure_below)
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            timeline.csv_text,
            "timeline.csv",
            "text/csv",
            key="predict_video_csv",
            icon=":material/table:",
            on_click="ignore",
        )
        if work.of(_MADE, done.what) is None:
            st.button(
                "Make the video with boxes",
                key="predict_video_make",
                icon=":material/movie_edit:",
                on_click=_make,
                args=(done.what, content, timeline, unsure_below),
            )
    if _MADE in st.session_state:
        work.follow(_MADE, _made)


def _choose_face(timeline: Timeline) -> Track:
    tracks = {track.number: track for track in timeline.tracks}
    if st.session_state.get(_FACE) not in tracks:  # the one that is seen longest
        st.session_state[_FACE] = max(tracks, key=lambda number: len(tracks[number].times))
    number = st.pills("Face", list(tracks), format_func=lambda n: f"Face {n}", required=True, key=_FACE)
    track = tracks[number]
    mean = track.smoothed.mean(axis=0)
    first = timeline.labels[int(mean.argmax())]
    picture, text = st.columns([1, 8], vertical_alignment="center")
    picture.image(track.crop, width=72, alt=f"face {number} as the model saw it")
    text.markdown(
        f"Seen from {track.times[0]:.1f} to {track.times[-1]:.1f} s, mostly **{EMOJI.get(first, '')} {first}** ({mean.max():.0%} on average)."
    )
    return track


def _chart(timeline: Timeline, track: Track) -> None:
    figure = go.Figure()
    gap = 2 * float(np.median(np.diff(timeline.times))) if len(timeline.times) > 1 else 1.0
    breaks = np.flatnonzero(np.diff(track.times) > max(gap, 0.5)) + 1  # no line where it was out of sight
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
    """The moment that is shown, in seconds: first the one at which a face is surest."""
    if _AT not in st.session_state:
        track = max(timeline.tracks, key=lambda track: float(track.smoothed.max()))
        st.session_state[_AT] = float(track.times[track.smoothed.max(axis=1).argmax()])
    return min(max(0.0, st.session_state[_AT]), timeline.duration)


def _moment(timeline: Timeline, content: bytes, unsure_below: float) -> None:
    time = _at(timeline)
    with state.errors_shown(stop=False):
        with VideoReader(io.BytesIO(content), timeline.name) as video:
            frame = video.frame_at(time)
        seen = timeline.at(frame.time)
        left, right = st.columns([3, 2], gap="medium")
        said = (
            ", ".join(
                f"face {face.number} {max(face.probabilities, key=face.probabilities.__getitem__)}"
                for face in seen
            )
            or "no face"
        )
        left.image(
            annotated(frame.pixels, seen, unsure_below),
            caption=f"{frame.time:.1f} s",
            width="stretch",
            alt=f"frame at {frame.time:.1f} s: {said}",
        )
        with right:
            for face in seen:
                st.markdown(f"**Face {face.number}**")
                faces.probability_bars(face.probabilities)


def _make(what: str, content: bytes, timeline: Timeline, unsure_below: float) -> None:
    def write(tell, cancelled) -> Iterator[bytes]:
        out = io.BytesIO()
        if annotate_video(
            io.BytesIO(content),
            timeline,
            out,
            unsure_below=unsure_below,
            on_progress=tell,
            cancelled=cancelled,
        ):
            yield out.getvalue()

    work.start(_MADE, what, write)


def _made(done: work.Work) -> None:
    if not done.results:
        return
    st.video(done.results[0])
    st.download_button(
        "Download video",
        done.results[0],
        "faces.mp4",
        "video/mp4",
        key="predict_video_mp4",
        icon=":material/download:",
        on_click="ignore",
    )
