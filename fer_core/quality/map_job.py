"""Background process that makes a map: t-SNE of a large data set takes minutes and much memory."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable

from .. import storage
from ..bundles.bundle import Bundle
from ..data.dataset import Dataset
from ..errors import DataError, FerError
from ..process_folder import OPEN_STATES, ProcessFolder, start_detached
from . import result_cache
from .embedding import make_map, model_key


def folder(dataset: Dataset, bundle: Bundle) -> ProcessFolder:
    """Return the folder of the job for this data and model.

    `status()` has state, share (0 to 1) and message.
    """
    name = hashlib.sha256(f"{result_cache.key(dataset)} {model_key(bundle)}".encode()).hexdigest()[:16]
    return ProcessFolder(storage.cache_folder("map-jobs") / name)


def start(
    dataset: Dataset,
    bundle: Bundle,
    launch: Callable[..., subprocess.Popen[bytes]] = start_detached,
) -> None:
    """Start the job unless it is already running.

    Args:
        dataset: The faces.
        bundle: The model, whose features are mapped.
        launch: Starts the process as `start_detached` does, or refuses to.

    Raises:
        DataError: The cache cannot be written, or no process can be started.
        FerError: From `launch`.
    """
    job = folder(dataset, bundle)
    if job.status()["state"] in OPEN_STATES:
        return
    try:
        job.path.mkdir(parents=True, exist_ok=True)
        job.write_status("starting", share=0.0)
        launch(["map", dataset.source, "--model", str(bundle.path)], job.log, "wb")
    except FerError:
        job.write_status("stopped")
        raise
    except OSError as error:
        raise DataError(f"The map cannot be made: {error.strerror or error}.") from None


def run(dataset: Dataset, bundle: Bundle) -> None:
    """Make the map in this process and write the progress to the job's folder.

    Raises:
        DataError: Another process is already making it.
        ModelError: See `make_map`.
    """
    job = folder(dataset, bundle)
    job.path.mkdir(parents=True, exist_ok=True)
    lock, reported = job.lock(), [0.0]

    def report(share: float, what: str) -> None:
        if time.monotonic() - reported[0] > 0.5 or share >= 1:
            job.write_status("running", what, share=share)
            reported[0] = time.monotonic()

    try:
        lock.acquire(timeout=5)
    except TimeoutError:
        raise DataError("Another process is already making this map: wait for it.") from None
    with lock:
        try:
            make_map(dataset, bundle, report)
        except Exception as error:
            job.write_status("failed", str(error) or type(error).__name__)
            raise
        job.write_status("finished", share=1.0)
