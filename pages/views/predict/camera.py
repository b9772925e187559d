"""Camera: a snapshot."""

from __future__ import annotations

from pages.session import kept_files
from pages.widgets import camera

from . import photos
from .options import Options

_KEY = "predict_camera"


def show(options: Options) -> None:
    """Draw the camera and the result of the snapshot."""
    if not camera.available():
        return
    snapshots = kept_files.camera("Take a picture", _KEY)
    kept_files.show_clear(_KEY)
    if snapshots:
        photos.show([("snapshot.jpg", snapshots[0].content)], options)
