"""Sample: the portrait that comes with the app."""

from __future__ import annotations

from pages.widgets import photo_results

from . import photos
from .options import Options


def show(options: Options) -> None:
    """Draw the result of the portrait."""
    photos.show([("portrait.jpg", photo_results.SAMPLE.read_bytes())], options)
