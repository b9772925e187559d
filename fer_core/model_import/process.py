"""Import of a model file in a process of its own, which may crash or be stopped without harm."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..bundles.bundle import Bundle, own_models_dir, read_bundle
from ..errors import ModelError
from ..resources import MODELS_DIR, subprocess_environment
from ..wording import printable
from . import worker
from .findings import Findings, LabelledFaces
from .input_values import AUTO

TIMEOUT = 900.0  # seconds
_POLL_SECONDS = 0.1
# Calls what starts the process; it may refuse with a ModelError.
Spawn = Callable[[Callable[[], subprocess.Popen[bytes]]], subprocess.Popen[bytes]]
OnProgress = Callable[[float], None]


def inspect(
    file: Path,
    faces: LabelledFaces | None,
    *,
    input: str = AUTO,
    classes: str = AUTO,
    spawn: Spawn = lambda launch: launch(),
    on_progress: OnProgress = lambda share: None,
) -> Findings:
    """Look into a model file, and try how it takes its input and orders its classes.

    Args:
        file: A `.keras`, `.h5`, `.tflite` or `.onnx` file, a SavedModel folder or a zip of one.
        faces: Labelled faces for the tries; None where the file or the arguments say both.
        input: A key of SCALINGS, or "auto".
        classes: The classes of the outputs, see `label_orders.names_of`, or "auto".
        spawn: Calls what starts the process, where the processes of an app are counted.
        on_progress: Called with the share of the tries that is done.

    Raises:
        ModelError: The file cannot be read, runs code of its own, or is not a classifier of images; or the
            process ended unexpectedly.
    """
    with tempfile.TemporaryDirectory(prefix="fer-import-") as folder:
        request = _request(file, "", faces, input, classes)
        return _run(Path(folder), request, faces, spawn, on_progress)


def import_model(
    file: Path,
    name: str,
    faces: LabelledFaces | None = None,
    *,
    input: str = AUTO,
    classes: str = AUTO,
    findings: Findings | None = None,
    spawn: Spawn = lambda launch: launch(),
    on_progress: OnProgress = lambda share: None,
) -> tuple[Bundle, Findings]:
    """Make a bundle of a model file, among the user's own models.

    Args:
        file: See `inspect`.
        name: The name of the model, a valid one for a folder.
        faces: See `inspect`.
        input: See `inspect`.
        classes: See `inspect`.
        findings: What `inspect` found and a user chose: nothing is tried again.
        spawn: See `inspect`.
        on_progress: See `inspect`.

    Raises:
        ModelError: See `inspect`; or there is a model of this name already, or it cannot be written.
    """
    target = own_models_dir() / name
    if exists(name):
        raise ModelError(f"There is a model called {name} already: choose another name.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that it can be moved there in one step; a name with a dot is not listed.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".import-") as folder:
            request = _request(file, name, faces, input, classes, findings)
            findings = _run(Path(folder), request, faces, spawn, on_progress)
            (Path(folder) / worker.BUNDLE).rename(target)
    except OSError as error:
        raise ModelError(f"The model cannot be written to {target}: {error.strerror or error}.") from None
    return read_bundle(target), findings


def exists(name: str) -> bool:
    """Return whether a model has this name."""
    return any((folder / name).exists() for folder in (own_models_dir(), MODELS_DIR))


def _request(
    file: Path,
    name: str,
    faces: LabelledFaces | None,
    input: str,
    classes: str,
    findings: Findings | None = None,
) -> dict[str, Any]:
    return {
        "file": str(file.absolute()),
        "name": name,
        "input": input,
        "classes": classes,
        "source": faces.source if faces else None,
        "findings": findings.as_json() if findings else None,
    }


def _run(
    folder: Path,
    request: dict[str, Any],
    faces: LabelledFaces | None,
    spawn: Spawn,
    on_progress: OnProgress,
) -> Findings:
    name = printable(Path(request["file"]).name)
    (folder / worker.REQUEST).write_text(json.dumps(request), encoding="utf-8")
    if faces is not None:
        np.savez(folder / worker.FACES, images=faces.images, labels=faces.labels)
    environment = subprocess_environment() | {
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",  # a GPU is left to training runs
    }
    command = [sys.executable, "-m", "fer_core.model_import.worker", str(folder)]
    with open(folder / "messages", "wb") as messages:
        process = spawn(
            lambda: subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages
            )
        )
    try:
        _wait(process, folder, name, on_progress)
    except BaseException:  # also where a page or a shell is left meanwhile
        process.kill()
        process.wait()
        raise
    try:
        result = json.loads((folder / worker.RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelError(
            f"{name} cannot be imported: the process that read it ended with status "
            f"{process.returncode}{_last_line(folder / 'messages')}. The file may be damaged, or need more "
            f"than {worker.MEMORY_MB / 1000:.0f} GB of memory or {worker.SECONDS // 60} minutes."
        ) from None
    if "error" in result:
        raise ModelError(result["error"])
    return Findings.from_json(result["findings"])


def _wait(process: subprocess.Popen[bytes], folder: Path, name: str, on_progress: OnProgress) -> None:
    end = time.monotonic() + TIMEOUT
    while True:
        try:
            process.wait(timeout=_POLL_SECONDS)
            return
        except subprocess.TimeoutExpired:
            if time.monotonic() > end:
                raise ModelError(
                    f"{name} was not imported within {TIMEOUT / 60:.0f} minutes: try again when the machine "
                    "is less busy."
                ) from None
        with contextlib.suppress(OSError, ValueError):
            on_progress(float((folder / worker.PROGRESS).read_text()))


def _last_line(messages: Path) -> str:
    """Return the last line of an error that Python printed, as a part of a sentence."""
    try:
        lines = messages.read_text(encoding="utf-8", errors="replace").split("Traceback", 1)[1].splitlines()
    except (OSError, IndexError):
        return ""
    return f" ({lines[-1][:200].rstrip('.')})" if lines else ""
