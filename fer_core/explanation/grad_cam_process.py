"""Grad-CAM and feature maps for programs without TensorFlow: a helper process computes them.

It takes about 6 s and 700 MB to start, and a fraction of a second for each request. It ends together with the
process that started it and after ten minutes without a request; the next request starts it again.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from ..bundles.bundle import Bundle, missing_keras
from ..errors import ModelError
from ..resources import subprocess_environment
from .feature_maps import LayerMaps, unpacked
from .grad_cam_worker import ERROR, FEATURES, MAPS, NUMBER, READY

_TIMEOUT = 60.0  # seconds
# Calls what starts the process; it may refuse with a ModelError.
Spawn = Callable[[Callable[[], subprocess.Popen[bytes]]], subprocess.Popen[bytes]]


class GradCamProcess:
    """Grad-CAM maps of one model. One object may be used from several threads."""

    def __init__(self, bundle: Bundle, spawn: Spawn = lambda launch: launch()) -> None:
        """Create the process of a bundle, which `start` starts.

        Args:
            bundle: The model.
            spawn: Calls what starts the process, where the processes of an app are counted.
        """
        self.bundle, self._spawn = bundle, spawn
        self._one_request = threading.Lock()
        self._state = threading.Lock()  # guards the two below
        self._worker: _Worker | None = None
        self._closed = False

    @property
    def ready(self) -> bool:
        """Return whether a request would be answered at once."""
        worker = self._worker
        return worker is not None and worker.ready.is_set() and worker.alive

    @property
    def under_way(self) -> bool:
        """Return whether the process exists, ready or not."""
        worker = self._worker
        return worker is not None and worker.alive

    @property
    def failed(self) -> bool:
        """Return whether the process ended before it was ready.

        `maps` then raises the reason, and the next call tries again.
        """
        worker = self._worker
        return worker is not None and not worker.ready.is_set() and worker.ended.is_set()

    def start(self) -> None:
        """Start the process in the background and return at once; does nothing if it is running.

        Raises:
            ModelError: The model is missing, no process can be started, or this object was closed.
        """
        with self._state:
            if self._closed:
                raise ModelError("Grad-CAM was closed: another model has been chosen meanwhile.")
            if self._worker is not None and self._worker.alive:
                return
            if not self.bundle.keras_file.is_file():
                raise ModelError(missing_keras(self.bundle))
            self._worker = _Worker(self.bundle, self._spawn)

    def maps(self, images: np.ndarray, timeout: float = _TIMEOUT) -> np.ndarray:
        """Compute maps in 0..1, (n, C, 48, 48) float32, see `grad_cam.GradCam.maps`.

        Args:
            images: (n, 48, 48) uint8 grey.
            timeout: Seconds to wait, including the start of the process.

        Raises:
            ModelError: The model cannot be read, or the process died or did not answer in time.
        """
        content = self._answer(MAPS, images, timeout)
        shape = (len(images), len(self.bundle.labels), 48, 48)
        return np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)

    def feature_maps(self, image: np.ndarray, timeout: float = _TIMEOUT) -> list[LayerMaps]:
        """Compute the feature maps of a face, (48, 48) uint8 grey, see `feature_maps.FeatureMaps.of`.

        Raises:
            ModelError: As for `maps`, or the network has no feature maps.
        """
        return unpacked(self._answer(FEATURES, image[None], timeout))

    def _answer(self, kind: bytes, images: np.ndarray, timeout: float) -> bytes:
        with self._one_request:
            worker, failed = self._worker, self.failed
            if not failed:
                self.start()
                worker = self._worker
            assert worker is not None
            try:
                return worker.answer(kind, images, timeout)
            except ModelError:
                worker.end()
                with self._state:
                    if self._worker is worker:
                        self._worker = None
                raise

    def close(self) -> None:
        """End the process for good."""
        with self._state:
            worker, self._worker, self._closed = self._worker, None, True
        if worker is not None:
            worker.end()


class _Worker:
    """One helper process, with a thread that reads its answers."""

    def __init__(self, bundle: Bundle, spawn: Spawn) -> None:
        self.name = bundle.name
        self.ready, self.ended = threading.Event(), threading.Event()
        self._answers: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
        # The GPU, if there is one, is left to training runs.
        environment = subprocess_environment() | {
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
        }
        command = [sys.executable, "-m", "fer_core.explanation.grad_cam_worker", str(bundle.path.resolve())]
        try:
            self._process = spawn(
                lambda: subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            )
        except OSError as error:
            raise ModelError(
                f"The process for Grad-CAM cannot be started: {error.strerror or error}."
            ) from None
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests = self._process.stdin
        threading.Thread(
            target=self._read, args=(self._process.stdout,), name="grad-cam-answers", daemon=True
        ).start()

    @property
    def alive(self) -> bool:
        return not self.ended.is_set() and self._process.poll() is None

    def answer(self, kind: bytes, images: np.ndarray, timeout: float) -> bytes:
        try:
            pixels = np.ascontiguousarray(images, np.uint8).tobytes()
            self._requests.write(kind + NUMBER.pack(len(images)) + pixels)
            self._requests.flush()
        except OSError:
            pass  # it died; an answer it sent before is the better reason
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise ModelError(
                f"Grad-CAM of {self.name} did not answer within {timeout:.0f} s: try again when the "
                "machine is less busy."
            ) from None
        if answer is None:
            raise ModelError(
                f"The process that computes Grad-CAM for {self.name} ended unexpectedly, maybe for lack of "
                "memory: try again."
            )
        kind, content = answer
        if kind == ERROR:
            raise ModelError(content.decode())
        return content

    def end(self) -> None:
        self._process.kill()  # it has nothing to save
        self._process.wait()

    def _read(self, answers: BinaryIO) -> None:
        try:
            while len(head := answers.read(1 + NUMBER.size)) == 1 + NUMBER.size:
                (length,) = NUMBER.unpack(head[1:])
                content = answers.read(length)
                if len(content) < length:
                    break
                if head[:1] == READY:
                    self.ready.set()
                else:
                    self._answers.put((head[:1], content))
        finally:
            self.ended.set()
            self._answers.put(None)
            self._process.wait()  # leaves no zombie
