"""Live: the webcam."""

from __future__ import annotations

from pages.widgets import camera

from .options import Options


def show(options: Options) -> None:
    """Draw the live view.

    Raises:
        LiveError: Too many people use the camera, or the machine is too busy.
        ModelError: The bundle cannot be used.
    """
    if not camera.available():
        return
    from . import live_video  # here, since WebRTC takes time and memory that photos need not wait for

    live_video.show(options.bundle, options.unsure_below)
