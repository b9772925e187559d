"""Frames of a camera at this machine, as OpenCV gives them. For the webcam of a browser see `fer_core.live`."""

from __future__ import annotations

import time
from collections.abc import Generator

import cv2

from ..errors import VideoError
from ..native_output import silenced
from .reader import Frame

_LOST = 30  # frames in a row that do not come: the camera is gone


def camera_frames(number: int = 0) -> Generator[Frame]:
    """Frames as they come, until the consumer ends it; what comes while one is worked on is dropped by the camera.

    Args:
        number: of the camera, from 0.

    Raises:
        VideoError: there is no such camera, another program holds it, or it was unplugged.
    """
    with silenced(2):  # OpenCV names each way that it tried
        camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise VideoError(f"There is no camera {number} at this machine, or another program uses it.")
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame counts
        begun, index, lost = time.monotonic(), 0, 0
        while lost < _LOST:
            there, pixels = camera.read()
            if not there:
                lost += 1
                continue
            lost = 0
            yield Frame(index, time.monotonic() - begun, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
            index += 1
        raise VideoError(f"Camera {number} gives no pictures any more: check that it is plugged in.")
    finally:
        camera.release()
