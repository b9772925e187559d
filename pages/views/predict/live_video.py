"""Live video of the webcam with boxes, the probabilities of a face over the last minute, and the speed."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st
from streamlit_webrtc import WebRtcMode, WebRtcStreamerContext, webrtc_streamer
from streamlit_webrtc.webrtc import SignallingTimeoutError

from fer_core.bundles.bundle import Bundle
from fer_core.emotions import EMOJI
from fer_core.live import Calibration, LiveError, LiveFace, Snapshot
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import faces

from . import connection, live_chart, live_settings
from .live_stream import Stream, turns
from .turn_servers import TurnServers, configured

_REFRESH = 0.5  # seconds
_CALIBRATION = 3.0
_SILENCE = 2.0  # seconds without a frame before the page warns
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
    """Draw the live view.

    Args:
        bundle: The model; it may change while the video is running.
        unsure_below: Faces with less confidence get no label.

    Raises:
        LiveError: Too many people use the camera, or the machine is too busy.
        ModelError: The bundle cannot be used.
    """
    servers = configured()
    browser = connection.ask_browser("live_browser")
    settings = live_settings.choose(unsure_below)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        try:
            context = webrtc_streamer(
                _KEY,
                WebRtcMode.SENDRECV,
                rtc_configuration={"iceServers": servers.servers},
                media_stream_constraints=_CAMERA,
                video_processor_factory=lambda: Stream(bundle, settings),
                video_html_attrs=_VIDEO,
                media_toggle_controls=False,
                translations={"start": "Start", "stop": "Stop", "select_device": "Choose a camera"},
            )
        except SignallingTimeoutError:
            raise LiveError(
                "The machine was too busy to answer the camera within 10 seconds: press Stop, then Start "
                "again."
            ) from None
        st.button(
            "Snapshot instead",
            key="live_snapshot",
            icon=":material/photo_camera:",
            on_click=_snapshot_instead,
        )
        st.caption(
            "Frames are processed in this machine's memory and discarded at once. None is stored or sent "
            "elsewhere."
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
        st.fragment(_beside, run_every=_REFRESH if running else None)(context, servers, browser)


def _snapshot_instead() -> None:
    st.session_state["predict_way"] = "Camera"


def _stream(context: WebRtcStreamerContext) -> Stream | None:
    """Return the stream; only streamlit-webrtc holds it, so that it is freed with the connection."""
    return context.video_processor


def _beside(context: WebRtcStreamerContext, servers: TurnServers, browser: connection.Browser) -> None:
    stream = _stream(context)
    running = context.state.playing or context.state.signalling
    snapshot = stream.session.snapshot() if stream is not None and not stream.session.closed else None
    if snapshot is not None and snapshot.figures.frames:
        st.session_state[_HAD_VIDEO] = True
    had_video = running and _HAD_VIDEO in st.session_state
    if not running:
        st.info(
            "Press Start and look into the camera. Every face gets a box, a number and a label.",
            icon=":material/videocam:",
        )
    elif had_video and (stream is None or snapshot is None or stream.silent_for() > _SILENCE):
        st.warning("The video has stopped: press Stop, then Start.", icon=":material/videocam_off:")
    elif had_video and stream is not None and snapshot is not None:
        _numbers(snapshot)
        _face(snapshot)
        _calibration(stream, snapshot.calibration)
    waited = time.monotonic() - st.session_state[_SINCE] if running and _SINCE in st.session_state else None
    connection.show(connection.checks(st.context.url, browser, servers, waited, had_video))


def _numbers(snapshot: Snapshot) -> None:
    figures = snapshot.figures
    with st.container(horizontal=True):
        st.metric(
            "Frames per second",
            f"{figures.frames_per_second:.0f}",
            width="content",
            help="Classified frames over the last 5 seconds.",
        )
        if figures.delay is not None and figures.delay_95 is not None:
            st.metric(
                "Delay",
                f"{1000 * figures.delay:.0f} ms",
                width="content",
                help="From capture to result, median of the last 5 seconds; 95% of the frames are within "
                f"{1000 * figures.delay_95:.0f} ms. The time for browser and network is not included.",
            )
        share = figures.dropped / figures.frames
        st.metric(
            "Dropped",
            f"{share:.0%}",
            width="content",
            help=f"{figures.dropped:,} of {figures.frames:,} frames were skipped, so that no frame waits.",
        )
    others = turns().sessions - 1
    if others > 0:
        st.caption(
            f"{others:,} other {'person is' if others == 1 else 'people are'} using live video on this "
            "server: frames are processed in turn."
        )


def _face(snapshot: Snapshot) -> None:
    """Draw the probabilities of the chosen face, now and over the last minute."""
    visible = {face.number: face for face in snapshot.faces}
    numbers = sorted(visible.keys() | snapshot.histories.keys())
    if not numbers:
        st.info(
            "No face is in view: look into the camera, with light on your face.", icon=":material/search_off:"
        )
        return
    chosen = st.session_state.get("live_face")
    if chosen not in visible and visible:  # the chosen face has left
        chosen = st.session_state["live_face"] = min(visible)
    if len(visible) > 1:
        chosen = st.segmented_control(
            "Face",
            sorted(visible),
            key="live_face",
            required=True,
            format_func=lambda number: f"Face {number:d}",
        )
    number = chosen if chosen in numbers else numbers[-1]
    face = visible.get(number)
    if face is None:
        st.markdown(f"##### Face {number:d} is out of view")
    else:
        st.markdown(f"##### Face {number:d}: {_answer(face)}")
        faces.probability_bars(face.probabilities)
    if number in snapshot.histories:
        live_chart.show(snapshot.histories[number], snapshot.labels, f"face {number}")


def _answer(face: LiveFace) -> str:
    return (
        "unsure" if face.unsure else f"{EMOJI.get(face.label, '')} {plain(face.label)} {face.confidence:.0%}"
    )


def _calibration(stream: Stream, calibration: Calibration) -> None:
    """Draw the calibration button, the countdown or the current calibration."""
    if calibration.seconds_left is not None:
        done = 1 - calibration.seconds_left / _CALIBRATION
        st.progress(
            min(1.0, max(0.0, done)),
            f"Look into the camera with a neutral face: {calibration.seconds_left:.0f} s",
        )
        return
    if calibration.problem:
        st.warning(plain(calibration.problem), icon=":material/sentiment_neutral:")
    if calibration.holds:
        st.caption(
            f":material/check: Calibrated to the neutral face of face {calibration.face:d}, until you press "
            "Stop."
        )
        if st.button("Clear the calibration", key="live_forget", icon=":material/undo:"):
            stream.session.forget()
            st.rerun(scope="fragment")
    elif st.button(
        "Calibrate to my neutral face",
        key="live_calibrate",
        icon=":material/sentiment_neutral:",
        help="Some neutral faces look angry or sad to a model. The calibration measures yours for 3 seconds "
        "and corrects the predictions for it. It lasts until you press Stop, and is not stored.",
    ):
        with errors_shown(stop=False):
            stream.session.calibrate(_CALIBRATION)
            st.rerun(scope="fragment")
