"""Live sessions on webcam frames, for several people at once: tracked faces and smoothed answers."""

from .calibration import Calibration
from .frame_rate import FrameStatistics
from .frame_scheduler import FrameScheduler, LiveError
from .history import History
from .session import LONGEST_SMOOTHING, LiveFace, LiveSession, LiveSettings, Snapshot

__all__ = [
    "LONGEST_SMOOTHING",
    "Calibration",
    "FrameScheduler",
    "FrameStatistics",
    "History",
    "LiveError",
    "LiveFace",
    "LiveSession",
    "LiveSettings",
    "Snapshot",
]
