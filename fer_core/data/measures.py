"""Image measures that need no labels: brightness, contrast and sharpness."""

from __future__ import annotations

import cv2
import numpy as np

MEASURES = ("brightness", "contrast", "sharpness")
_CHUNK = 1024  # the images may be mapped from a file


def measures(images: np.ndarray, indices: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Measure (N, 48, 48) uint8 images, or those at `indices` (n,).

    Returns:
        Three (n,) float32 arrays. brightness: mean grey value, 0 to 255; contrast: standard deviation of the
        grey values; sharpness: variance of the Laplacian, low for a blurred image (Pech-Pacheco et al. 2000,
        doi:10.1109/ICPR.2000.903548).
    """
    count = len(images) if indices is None else len(indices)
    out = {name: np.empty(count, np.float32) for name in MEASURES}
    for start in range(0, count, _CHUNK):
        part = slice(start, min(start + _CHUNK, count))
        chunk = np.asarray(images[part] if indices is None else images[indices[part]])
        flat = chunk.reshape(len(chunk), -1)
        out["brightness"][part] = flat.mean(axis=1)
        out["contrast"][part] = flat.std(axis=1)
        out["sharpness"][part] = [cv2.Laplacian(image, cv2.CV_32F).var() for image in chunk]
    return out
