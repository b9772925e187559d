"""Import of Keras, without its messages and without packages that are not used with it."""

from __future__ import annotations

import gc
import importlib.abc
import json
import logging
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from .native_output import silenced

# Keras and TensorFlow import these if they are installed, to accept their objects, which are never given to
# them here.
_UNUSED = ("pandas", "sklearn")


class _HiddenPackages(importlib.abc.MetaPathFinder):
    """Packages that seem not to be installed, to imports of the thread that makes this."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names, self.thread = frozenset(names), threading.get_ident()

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname in self.names and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"{fullname} is hidden from Keras", name=fullname)


def keras_backend() -> str:
    """Return the name of the backend that Keras will use, without importing it.

    This is KERAS_BACKEND, else the one in Keras' settings file, else TensorFlow.
    """
    name = os.environ.get("KERAS_BACKEND")
    if not name:
        try:
            base = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
            name = json.loads((Path(base) / "keras.json").read_text(encoding="utf-8")).get("backend")
        except (OSError, ValueError, AttributeError, RuntimeError):
            name = None
    return str(name or "tensorflow")


def import_keras() -> None:
    """Import Keras and its backend without their messages about CPU features, oneDNN and speed.

    Hides packages that Keras supports but that are not used with it here, and JAX unless it is the backend,
    which saves a third of the time. Garbage collection leaves out all objects that exist afterwards.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" in sys.modules:
        return
    hidden = _HiddenPackages(_UNUSED if keras_backend() == "jax" else (*_UNUSED, "jax"))
    sys.meta_path.insert(0, hidden)
    gc.disable()  # the new objects stay for good: searching them for garbage takes a fifth of the time
    try:
        with silenced(2):
            import keras  # noqa: F401
    finally:
        gc.freeze()
        gc.enable()
        sys.meta_path.remove(hidden)
