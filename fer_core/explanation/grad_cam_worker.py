"""The helper process of `grad_cam_process`: loads a model once and answers requests for maps.

    python -m fer_core.explanation.grad_cam_worker BUNDLE

On stdin comes for each request the number of images as a little-endian uint32, then their pixels, 48 * 48 bytes each. On stdout
go messages: a kind (one byte), the length of what follows (uint32), and that: b"r" ready, nothing; b"m" maps, float32 in the order
(image, class, row, column); b"e" an error, its sentence in UTF-8. It ends when stdin closes, so that it cannot outlive the app, and
when nothing was asked for ten minutes, since it holds more memory than the app.
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
READY, MAPS, ERROR = b"r", b"m", b"e"
_IDLE_SECONDS = 600.0


def main() -> None:
    # TensorFlow and its libraries print to descriptor 1: what the app reads goes to a copy of it that they do not know.
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from ..errors import FerError

    try:
        from ..bundle import read_bundle
        from .grad_cam import GradCam

        grad_cam = GradCam(read_bundle(Path(sys.argv[1])))
        grad_cam.maps(np.zeros((1, 48, 48), np.uint8))  # TensorFlow compiles now, not when somebody waits
    except FerError as error:
        _answer(answers, ERROR, str(error).encode())
        return
    _answer(answers, READY, b"")
    while (images := _request(requests)) is not None:
        _answer(answers, MAPS, grad_cam.maps(images).astype("<f4").tobytes())


def _request(requests: BinaryIO) -> np.ndarray | None:
    """(n, 48, 48) uint8; None where no more will come."""
    timer = threading.Timer(
        _IDLE_SECONDS, os._exit, (0,)
    )  # reading cannot be interrupted otherwise on every system
    timer.daemon = True
    timer.start()
    head = requests.read(NUMBER.size)
    timer.cancel()
    if len(head) < NUMBER.size:
        return None
    (count,) = NUMBER.unpack(head)
    pixels = requests.read(count * IMAGE_BYTES)
    return (
        np.frombuffer(pixels, np.uint8).reshape(count, 48, 48) if len(pixels) == count * IMAGE_BYTES else None
    )


def _answer(answers: BinaryIO, kind: bytes, content: bytes) -> None:
    answers.write(kind + NUMBER.pack(len(content)) + content)
    answers.flush()


if __name__ == "__main__":
    main()
