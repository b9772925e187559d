"""Keep what C++ libraries print out of the shell's output, where scripts expect JSON or one sentence."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def redirected(descriptor: int, target: int | str = os.devnull) -> Iterator[None]:
    """Send file descriptor 1 or 2 of the process to another descriptor or file for a while.

    Python's own `sys.stdout` and `sys.stderr` follow, as long as they write to these descriptors.
    """
    stream = sys.stdout if descriptor == 1 else sys.stderr
    stream.flush()
    kept = os.dup(descriptor)
    opened = os.open(target, os.O_WRONLY) if isinstance(target, str) else None
    try:
        os.dup2(target if isinstance(target, int) else opened, descriptor)  # type: ignore[arg-type]
        yield
        stream.flush()
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        if opened is not None:
            os.close(opened)


def import_keras() -> None:
    """Import Keras and its backend without their banner about CPU features and oneDNN."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with redirected(2):
        import keras  # noqa: F401
