"""What a run was trained on, in a line."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import keras


def machine() -> str:
    """Processor with its cores or GPU, system, and Keras with its backend."""
    return f"{_device()}, {platform.system()}, Keras {keras.version()} on {keras.backend.backend()}"


def _device() -> str:
    try:
        gpus = keras.distribution.list_devices("gpu")
    except Exception:  # a backend without this call, or without a GPU
        gpus = []
    if gpus:
        return f"{len(gpus)} GPU"
    name = platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:  # not Linux
        pass
    return f"{os.cpu_count()} cores of {name}"
