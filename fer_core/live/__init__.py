"""A webcam's frames as they come: faces with steady numbers, smoothed answers, what it costs; several people at once, all of it bounded."""

from .calibration import Calibration
from .history import History
from .pace import Figures
from .session import LONGEST_SMOOTHING, LiveFace, LiveSession, LiveSettings, Snapshot
from .turns import LiveError, Turns

__all__ = [
    "LONGEST_SMOOTHING",
    "Calibration",
    "Figures",
    "History",
    "LiveError",
    "LiveFace",
    "LiveSession",
    "LiveSettings",
    "Snapshot",
    "Turns",
]
