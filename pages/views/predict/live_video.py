"""The webcam, live: boxes on the video, beside it the chosen face's probabilities, its last minute, and what it all costs."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st
from streamlit_webrtc import WebRtcMode, WebRtcStreamerContext, webrtc_streamer
from streamlit_webrtc.webrtc import SignallingTimeoutError

from fer_core.bundle import Bundle
from fer_core.emotions import EMOJI
from fer_core.live import LONGEST_SMOOTHING, Calibration, LiveError, LiveFace, LiveSettings, Snapshot
from pages.shared import faces, state

from . import connection, live_chart
from .live_stream import Stream, turns
from .relay import Relay, relay

_REFRESH = 0.5  # seconds
_CALIBRATION = 3.0
_SILENCE = 2.0  # seconds without a frame after which the page says so
_KEY, _SINCE, _HAD_VIDEO = "live_camera", "live_since", "live_had_video"
_CAMERA: dict[str, Any] = {
    "video": {
        "width": {"ideal": 640},
        "height": {"ideal": 480},
        "frameRate": {"ideal": 30, "max": 30},
        "facingMode": {"ideal": "user"},
    },
    "audio": False,
}
_VIDEO: dict[str, Any] = {
    "autoPlay": True,
    "controls": False,
    "muted": True,
    "style": {"width": "100%", "borderRadius": "0.6rem"},
}


def show(bundle: Bundle, unsure_below: float) -> None:
    """The way Live of the Predict page.

    Args:
        bundle: the model; it may change while the video runs.
        unsure_below: faces of less confidence get no label.

    Raises:
        LiveError: too many people use the camera, or the machine is too busy.
        ModelError: the bundle cannot be used.
    """
    found = relay()
    browser = connection.ask_browser("live_browser")
    settings = _settings(unsure_below)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        try:
            context = webrtc_streamer(
                _KEY,
                WebRtcMode.SENDRECV,
                rtc_configuration={"iceServers": found.servers},
                media_stream_constraints=_CAMERA,
                video_processor_factory=lambda: Stream(bundle, settings),
                video_html_attrs=_VIDEO,
                media_toggle_controls=False,
                translations={"start": "Start", "stop": "Stop", "select_device": "Choose a camera"},
            )
        except SignallingTimeoutError:
            raise LiveError(
                "The machine was too busy to answer the camera within 10 seconds: press Stop, then Start again."
            ) from None
        st.button(
            "Snapshot instead",
            key="live_snapshot",
            icon=":material/photo_camera:",
            on_click=_snapshot_instead,
        )
        st.caption(
            "Frames are worked on in this machine's memory and forgotten at once. None is kept or sent elsewhere."
        )
    running = context.state.playing or context.state.signalling
    if not running:
        for key in (_SINCE, _HAD_VIDEO):
            st.session_state.pop(key, None)
    elif _SINCE not in st.session_state:
        st.session_state[_SINCE] = time.monotonic()
    stream = _stream(context)
    if stream is not None and not stream.session.closed:
        stream.belongs_to(context)
        stream.session.settings = settings
        if stream.session.model.path != bundle.path:
            stream.session.use(bundle)
    with right:
        st.fragment(_beside, run_every=_REFRESH if running else None)(context, found, browser)


def _settings(unsure_below: float) -> LiveSettings:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        smoothing = st.slider(
            "Smoothing",
            0.0,
            LONGEST_SMOOTHING,
            0.5,
            0.1,
            format="%.1f s",
            key="live_smoothing",
            persist_state="session",
            width=320,
            help="Answers are averaged over so many seconds, the newest counting most: more is calmer, less is quicker; 0 averages nothing.",
        )
        mirror = st.toggle(
            "Mirror",
            value=True,
            key="live_mirror",
            persist_state="session",
            help="Off for a camera that looks away from you.",
        )
    return LiveSettings(smoothing, unsure_below, mirror)


def _snapshot_instead() -> None:
    st.session_state["predict_way"] = "Camera"


def _stream(context: WebRtcStreamerContext) -> Stream | None:
    """The connection's stream; only streamlit-webrtc holds it, so that it goes with the connection."""
    return context.video_processor


def _beside(context: WebRtcStreamerContext, found: Relay, browser: connection.Browser) -> None:
    stream = _stream(context)
    running = context.state.playing or context.state.signalling
    seen = stream.session.snapshot() if stream is not None and not stream.session.closed else None
    if seen is not None and seen.figures.frames:
        st.session_state[_HAD_VIDEO] = True
    had_video = running and _HAD_VIDEO in st.session_state
    if not running:
        st.info(
            "Press Start and look into the camera. Every face gets a box, a number and a label.",
            icon=":material/videocam:",
        )
    elif had_video and (stream is None or seen is None or stream.silent_for() > _SILENCE):
        st.warning("No video comes any more: press Stop, then Start.", icon=":material/videocam_off:")
    elif had_video and stream is not None and seen is not None:
        _numbers(seen)
        _face(seen)
        _calibration(stream, seen.calibration)
    waited = time.monotonic() - st.session_state[_SINCE] if running and _SINCE in st.session_state else None
    connection.show(connection.checks(st.context.url, browser, found, waited, had_video))


def _numbers(seen: Snapshot) -> None:
    figures = seen.figures
    with st.container(horizontal=True):
        st.metric(
            "Frames a second",
            f"{figures.frames_per_second:.0f}",
            width="content",
            help="That were answered, over the last 5 seconds.",
        )
        if figures.delay is not None and figures.delay_95 is not None:
            st.metric(
                "Delay",
                f"{1000 * figures.delay:.0f} ms",
                width="content",
                help=f"From capture to answer, median of the last 5 seconds; 95 of 100 frames are within {1000 * figures.delay_95:.0f} ms. "
                "What the browser and the network always need is not in it.",
            )
        share = figures.dropped / figures.frames
        st.metric(
            "Dropped",
            f"{share:.0%}",
            width="content",
            help=f"{figures.dropped:,} of {figures.frames:,} frames got no answer, so that none waits.",
        )
    others = turns().sessions - 1
    if others > 0:
        st.caption(
            f"{others} other {'person uses' if others == 1 else 'people use'} this machine's live camera: frames are taken in turn."
        )


def _face(seen: Snapshot) -> None:
    """The chosen face's probabilities now and over the last minute."""
    there = {face.number: face for face in seen.faces}
    numbers = sorted(there.keys() | seen.histories.keys())
    if not numbers:
        st.info(
            "No face is in view: look into the camera, with light on your face.", icon=":material/search_off:"
        )
        return
    chosen = st.session_state.get("live_face")
    if chosen not in there and there:  # whoever was chosen has left
        chosen = st.session_state["live_face"] = min(there)
    if len(there) > 1:
        chosen = st.segmented_control(
            "Face", sorted(there), key="live_face", required=True, format_func=lambda number: f"Face {number}"
        )
    number = chosen if chosen in numbers else numbers[-1]
    face = there.get(number)
    if face is None:
        st.markdown(f"##### Face {number} is out of view")
    else:
        st.markdown(f"##### Face {number}: {_said(face)}")
        faces.probability_bars(face.probabilities)
    if number in seen.histories:
        live_chart.show(seen.histories[number], seen.labels, f"face {number}")


def _said(face: LiveFace) -> str:
    return "unsure" if face.unsure else f"{EMOJI.get(face.label, '')} {face.label} {face.confidence:.0%}"


def _calibration(stream: Stream, calibration: Calibration) -> None:
    """A button to begin, a countdown, and what holds."""
    if calibration.seconds_left is not None:
        done = 1 - calibration.seconds_left / _CALIBRATION
        st.progress(
            min(1.0, max(0.0, done)),
            f"Look into the camera with a resting face: {calibration.seconds_left:.0f} s",
        )
        return
    if calibration.problem:
        st.warning(calibration.problem, icon=":material/sentiment_neutral:")
    if calibration.holds:
        st.caption(
            f":material/check: Calibrated to the resting face of face {calibration.face}, until you press Stop."
        )
        if st.button("Forget the calibration", key="live_forget", icon=":material/undo:"):
            stream.session.forget()
            st.rerun(scope="fragment")
    elif st.button(
        "Calibrate to my resting face",
        key="live_calibrate",
        icon=":material/sentiment_neutral:",
        help="Some faces look angry or sad to a model when they rest. For 3 seconds it learns what yours looks like and takes that out of "
        "its answers. It is kept until you press Stop, and nowhere else.",
    ):
        with state.errors_shown(stop=False):
            stream.session.calibrate(_CALIBRATION)
            st.rerun(scope="fragment")
