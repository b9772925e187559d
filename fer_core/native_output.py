"""Suppression of what C++ libraries print to the shell, where scripts expect JSON or one sentence."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import threading
from collections.abc import Iterator

_lock = threading.RLock()


@contextlib.contextmanager
def silenced(descriptor: int) -> Iterator[None]:
    """Discard what the process and Python's streams write to file descriptor 1 or 2 in this context.

    Only one thread at a time: two that overlapped could leave the descriptor closed for good.
    """
    stream = sys.stdout if descriptor == 1 else sys.stderr
    with _lock:
        stream.flush()
        saved, opened = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(opened, descriptor)
            yield
            stream.flush()
        finally:
            os.dup2(saved, descriptor)
            os.close(saved)
            os.close(opened)


def import_keras() -> None:
    """Import Keras and its backend without their messages about CPU features, oneDNN and speed.

    Garbage collection leaves out all objects that exist afterwards.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" in sys.modules:
        return
    gc.disable()  # the new objects stay for good: searching them for garbage takes a fifth of the time
    try:
        with silenced(2):
            import keras  # noqa: F401
    finally:
        gc.freeze()
        gc.enable()
