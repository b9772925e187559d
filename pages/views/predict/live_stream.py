"""Between a browser's video and a live session: one stream a connection, which lets go of everything when the video ends."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

import av
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit_webrtc import VideoProcessorBase, WebRtcStreamerContext

from fer_core.bundle import Bundle
from fer_core.live import LiveSession, LiveSettings, Turns

# Seconds without a frame: a phone was put aside, or the network is gone. WebRTC itself waits half a minute.
_SILENCE = 5.0
_SILENCE_AFTER_PAGE = (
    1.5  # where the page's own connection has ended too, as it does at once when a browser dies
)
_FIRST_FRAME = 15.0  # and so long where none has come yet: finding a way through a relay takes its time

_turns: Turns | None = None
_creating = threading.Lock()


def turns() -> Turns:
    """The round of all live sessions of this process."""
    global _turns
    with _creating:
        if _turns is None:
            _turns = Turns()
        return _turns


class Stream(VideoProcessorBase):
    """What streamlit-webrtc hands its frames to, on a thread of its own: the newest ones together, whatever came while it was busy.

    Only streamlit-webrtc's worker holds it, so that it is freed with the connection; no cache or session state may keep it.

    Raises:
        ModelError: the bundle cannot be used.
        LiveError: too many people use the camera.
    """

    def __init__(self, model: Bundle, settings: LiveSettings) -> None:
        self.session = LiveSession(model, settings, turns())
        self._last_frame: float | None = None
        self._began = time.monotonic()
        self._worker: weakref.ref[Any] | None = None
        self._visit: str | None = None
        threading.Thread(target=_watch, args=(weakref.ref(self),), name="fer-live-watch", daemon=True).start()

    async def recv_queued(self, frames: list[av.VideoFrame]) -> list[av.VideoFrame]:
        """Answer the newest frame; those before it are counted as dropped."""
        self._last_frame = time.monotonic()
        newest = frames[-1]
        pixels = self.session.process(newest.to_ndarray(format="rgb24"), newest.time, unseen=len(frames) - 1)
        return [av.VideoFrame.from_ndarray(pixels, format="rgb24")]

    def on_ended(self) -> None:
        """The visitor has stopped, left the page or closed the tab."""
        self.session.close()

    def belongs_to(self, context: WebRtcStreamerContext) -> None:
        """Remember which connection is to be ended when no frames come any more, and whose page it is: that of the script that calls."""
        self._worker = context._worker_ref  # a weak reference; streamlit-webrtc 0.79 has no open name for it
        script = get_script_run_ctx(suppress_warning=True)
        self._visit = script.session_id if script else None

    def silent_for(self) -> float:
        """Seconds since the last frame, 0 before the first."""
        return 0.0 if self._last_frame is None else time.monotonic() - self._last_frame

    def end_if_silent(self) -> None:
        """Let go of the session and the connection where no frames come."""
        patience = _SILENCE if _is_open(self._visit) else _SILENCE_AFTER_PAGE
        if self.silent_for() > patience or (
            self._last_frame is None and time.monotonic() - self._began > _FIRST_FRAME
        ):
            self.session.close()
            if (worker := self._worker and self._worker()) is not None:
                worker.stop()


def _is_open(visit: str | None) -> bool:
    """Whether a browser still shows the page of this visit."""
    return visit is None or not runtime.exists() or runtime.get_instance().is_active_session(visit)


def _watch(reference: weakref.ref[Stream]) -> None:
    """It holds no stream while it sleeps, so that one which nobody else holds is freed."""
    while (stream := reference()) is not None and not stream.session.closed:
        stream.end_if_silent()
        del stream
        time.sleep(0.5)
