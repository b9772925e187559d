"""Camera: a snapshot."""

from __future__ import annotations

from pages.session import kept_files
from pages.widgets import camera, in_browser

from . import browser_settings, photos
from .options import Options

_KEY = "predict_camera"


def show(options: Options) -> None:
    """Draw the camera and the result of the snapshot.

    Raises:
        ModelError: The model cannot run in a browser.
    """
    if not camera.available():
        return
    if browser_settings.choose_way(
        "camera_way",
        browser_settings.SERVER,
        "In this browser, the picture does not leave this tab. On the server adds Grad-CAM and warnings.",
    ):
        settings = browser_settings.settings(options.bundle, options.unsure_below, mirror=True)
        in_browser.stills("camera_browser", options.bundle, {**settings, "way": "camera"})
        browser_settings.troubles()
        return
    snapshots = kept_files.camera("Take a picture", _KEY)
    kept_files.show_clear(_KEY)
    if snapshots:
        photos.show([("snapshot.jpg", snapshots[0].content)], options)
