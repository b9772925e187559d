"""Keep what C++ libraries print out of the shell's output, where scripts expect JSON or one sentence."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator

_lock = threading.RLock()


@contextlib.contextmanager
def silenced(descriptor: int) -> Iterator[None]:
    """Throw away what the process writes to file descriptor 1 or 2 for a while; Python's own streams follow.

    One thread at a time: two that overlapped could leave the descriptor closed for good.
    """
    stream = sys.stdout if descriptor == 1 else sys.stderr
    with _lock:
        stream.flush()
        kept, opened = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(opened, descriptor)
            yield
            stream.flush()
        finally:
            os.dup2(kept, descriptor)
            os.close(kept)
            os.close(opened)


def import_keras() -> None:
    """Import Keras and its backend without their banner about CPU features and oneDNN, nor TensorFlow's later advice on speed."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced(2):
        import keras  # noqa: F401
