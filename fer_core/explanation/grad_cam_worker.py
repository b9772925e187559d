"""Helper process of `grad_cam_process`: loads a model and answers requests for maps.

    python -m fer_core.explanation.grad_cam_worker BUNDLE

Each request on stdin is a kind (one byte: b"m" Grad-CAM maps, b"f" feature maps of the first image), the
number of images as a little-endian uint32, then their pixels, 48 * 48 bytes each. Each message on stdout is a
kind (one byte), the length of the content (uint32), and the content: b"r" ready, empty; b"m" maps, float32 in
the order (image, class, row, column); b"f" feature maps as an npz file; b"e" an error, its sentence in UTF-8.
The process ends when stdin closes, so that it cannot outlive the app, and after ten minutes without a
request, since it holds more memory than the app.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np

IMAGE_BYTES = 48 * 48
NUMBER = struct.Struct("<I")
READY, MAPS, FEATURES, ERROR = b"r", b"m", b"f", b"e"
_IDLE_SECONDS = 600.0


def main() -> None:
    # TensorFlow and its libraries print to descriptor 1, so the answers go to a copy of it.
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from ..errors import FerError

    try:
        from ..bundles.bundle import read_bundle
        from .feature_maps import FeatureMaps, packed
        from .grad_cam import GradCam

        bundle = read_bundle(Path(sys.argv[1]))
        grad_cam = GradCam(bundle)
        grad_cam.maps(
            np.zeros((1, 48, 48), np.uint8)
        )  # TensorFlow compiles now rather than during the first request
    except FerError as error:
        _answer(answers, ERROR, str(error).encode())
        return
    _answer(answers, READY, b"")
    feature_maps: FeatureMaps | None = None
    while (request := _request(requests)) is not None:
        kind, images = request
        if kind == MAPS:
            _answer(answers, MAPS, grad_cam.maps(images).astype("<f4").tobytes())
            continue
        try:
            feature_maps = feature_maps or FeatureMaps(bundle)
            _answer(answers, FEATURES, packed(feature_maps.of(images[0])))
        except FerError as error:
            _answer(answers, ERROR, str(error).encode())


def _request(requests: BinaryIO) -> tuple[bytes, np.ndarray] | None:
    """Return kind and images, (n, 48, 48) uint8, of the next request, or None at the end."""
    # A blocking read cannot be interrupted in another way on every system.
    timer = threading.Timer(_IDLE_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()
    head = requests.read(1 + NUMBER.size)
    timer.cancel()
    if len(head) < 1 + NUMBER.size:
        return None
    (count,) = NUMBER.unpack(head[1:])
    pixels = requests.read(count * IMAGE_BYTES)
    if len(pixels) < count * IMAGE_BYTES:
        return None
    return head[:1], np.frombuffer(pixels, np.uint8).reshape(count, 48, 48)


def _answer(answers: BinaryIO, kind: bytes, content: bytes) -> None:
    answers.write(kind + NUMBER.pack(len(content)) + content)
    answers.flush()


if __name__ == "__main__":
    main()
