"""Live: the webcam."""

from __future__ import annotations

from pages.widgets import camera

from . import browser_settings, live_browser
from .options import Options


def show(options: Options) -> None:
    """Draw the live view.

    Raises:
        LiveError: Too many people use the camera, or the machine is too busy.
        ModelError: The bundle cannot be used.
    """
    if not camera.available():
        return
    if browser_settings.choose_way(
        "live_way",
        "On the server (WebRTC)",
        "In this browser, no frame leaves this tab. On the server works for every model, and needs a "
        "connection that WebRTC can pass.",
    ):
        live_browser.show(options)
    else:
        from . import live_video  # here, since WebRTC takes time and memory that others need not wait for

        live_video.show(options.bundle, options.unsure_below)
