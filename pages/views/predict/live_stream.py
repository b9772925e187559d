"""Streams between the browser's video and a live session: one for each connection, freed at its end."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

import av
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit_webrtc import VideoProcessorBase, WebRtcStreamerContext

from fer_core.bundles.bundle import Bundle
from fer_core.live import FrameScheduler, LiveSession, LiveSettings

# Seconds without a frame: a phone was put aside, or the network is down. WebRTC itself waits half a minute.
_SILENCE = 5.0
_SILENCE_AFTER_PAGE = (
    1.5  # where the connection of the page has ended too, as happens at once when a browser crashes
)
_FIRST_FRAME = 15.0  # seconds until the first frame: a connection through a relay takes longer

_turns: FrameScheduler | None = None
_creating = threading.Lock()


def turns() -> FrameScheduler:
    """Return the scheduler that all live sessions of this process share."""
    global _turns
    with _creating:
        if _turns is None:
            _turns = FrameScheduler()
        return _turns


class Stream(VideoProcessorBase):
    """Receive the frames of streamlit-webrtc on a thread of its own, in batches.

    Only the worker of streamlit-webrtc may hold a stream, so that it is freed with the connection: no cache
    and no session state may keep it.

    Raises:
        ModelError: The bundle cannot be used.
        LiveError: Too many people use the camera.
    """

    def __init__(self, model: Bundle, settings: LiveSettings) -> None:
        self.session = LiveSession(model, settings, turns())
        self._last_frame: float | None = None
        self._started = time.monotonic()
        self._worker: weakref.ref[Any] | None = None
        self._session_id: str | None = None
        threading.Thread(target=_watch, args=(weakref.ref(self),), name="fer-live-watch", daemon=True).start()

    async def recv_queued(self, frames: list[av.VideoFrame]) -> list[av.VideoFrame]:
        """Classify the newest frame; the others count as dropped."""
        self._last_frame = time.monotonic()
        newest = frames[-1]
        pixels = self.session.process(newest.to_ndarray(format="rgb24"), newest.time, unseen=len(frames) - 1)
        return [av.VideoFrame.from_ndarray(pixels, format="rgb24")]

    def on_ended(self) -> None:
        """End the session: the visitor has stopped the video, left the page or closed the tab."""
        self.session.close()

    def belongs_to(self, context: WebRtcStreamerContext) -> None:
        """Remember connection and session of the calling script, to end both when no frames arrive."""
        # a weak reference; streamlit-webrtc 0.79 has no public name for it
        self._worker = context._worker_ref
        script = get_script_run_ctx(suppress_warning=True)
        self._session_id = script.session_id if script else None

    def silent_for(self) -> float:
        """Return the seconds since the last frame, 0 before the first."""
        return 0.0 if self._last_frame is None else time.monotonic() - self._last_frame

    def end_if_silent(self) -> None:
        """End session and connection where no frames arrive."""
        patience = _SILENCE if _is_open(self._session_id) else _SILENCE_AFTER_PAGE
        if self.silent_for() > patience or (
            self._last_frame is None and time.monotonic() - self._started > _FIRST_FRAME
        ):
            self.session.close()
            worker = None if self._worker is None else self._worker()
            if worker is not None:
                worker.stop()


def _is_open(session_id: str | None) -> bool:
    """Return whether a browser still shows the page of this session."""
    return session_id is None or not runtime.exists() or runtime.get_instance().is_active_session(session_id)


def _watch(reference: weakref.ref[Stream]) -> None:
    """End the stream when it is silent; holds no reference while sleeping, so that it can be freed."""
    while (stream := reference()) is not None and not stream.session.closed:
        stream.end_if_silent()
        del stream
        time.sleep(0.5)
