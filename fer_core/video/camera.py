"""Frames of a camera of this machine through OpenCV. For the webcam of a browser see `fer_core.live`."""

from __future__ import annotations

import time
from collections.abc import Generator

import cv2

from ..errors import VideoError
from ..native_output import silenced
from .reader import Frame

_LOST = 30  # missing frames in a row after which the camera counts as lost


def camera_frames(number: int = 0) -> Generator[Frame]:
    """Yield frames until the consumer stops; the camera drops frames that arrive meanwhile.

    Args:
        number: Number of the camera, from 0.

    Raises:
        VideoError: There is no such camera, another program uses it, or it was unplugged.
    """
    with silenced(2):  # OpenCV prints each backend that it tries
        camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise VideoError(f"There is no camera {number} at this machine, or another program uses it.")
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # only the newest frame is needed
        begun, index, lost = time.monotonic(), 0, 0
        while lost < _LOST:
            received, pixels = camera.read()
            if not received:
                lost += 1
                continue
            lost = 0
            yield Frame(index, time.monotonic() - begun, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
            index += 1
        raise VideoError(f"Camera {number} no longer returns pictures: check that it is plugged in.")
    finally:
        camera.release()
