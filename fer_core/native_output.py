"""Suppression of what C++ libraries print to the shell, where scripts expect JSON or one sentence."""

from __future__ import annotations

import contextlib
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
