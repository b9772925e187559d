"""The results of several photos, one below the other."""

from __future__ import annotations

from collections.abc import Iterable

from fer_core.album import PictureResult
from pages.widgets import photo_results

from .options import Options, find_faces


def show(photos: Iterable[tuple[str, bytes]], options: Options) -> None:
    """Classify photos and draw the results.

    Args:
        photos: Name and content of each; a repeated name gets a number.
        options: How they are classified.
    """
    detect = find_faces()
    results: dict[str, PictureResult] = {}
    for number, (name, content) in enumerate(photos, 1):
        name = name if name not in results else f"{name} ({number})"
        results[name] = photo_results.show(name, content, options.bundle, detect, options.unsure_below)
    photo_results.downloads(list(results.values()), options.bundle, options.unsure_below, "predict")
