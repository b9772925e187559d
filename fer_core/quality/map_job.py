"""Make a map in a process of its own: t-SNE of a large data set takes minutes and memory that the app has not."""

from __future__ import annotations

import hashlib
import time

from .. import storage
from ..bundle import Bundle
from ..data.dataset import Dataset
from ..errors import DataError
from ..process_folder import OPEN_STATES, ProcessFolder, start_detached
from . import kept
from .embedding import make_map, model_key


def folder(dataset: Dataset, bundle: Bundle) -> ProcessFolder:
    """Where the state of the job for this data and model stands: `status()` has state, share (0 to 1) and message."""
    name = hashlib.sha256(f"{kept.key(dataset)} {model_key(bundle)}".encode()).hexdigest()[:16]
    return ProcessFolder(storage.cache_folder("map-jobs") / name)


def start(dataset: Dataset, bundle: Bundle) -> None:
    """Start the job, if it is not under way.

    Raises:
        DataError: the cache cannot be written, or no process can be started.
    """
    job = folder(dataset, bundle)
    if job.status()["state"] in OPEN_STATES:
        return
    try:
        job.path.mkdir(parents=True, exist_ok=True)
        job.write_status("starting", share=0.0)
        start_detached(["map", dataset.source, "--model", str(bundle.path)], job.log, "wb")
    except OSError as error:
        raise DataError(f"The map cannot be made: {error.strerror or error}.") from None


def carry_out(dataset: Dataset, bundle: Bundle) -> None:
    """Make the map in this process and tell the job's folder how far it is.

    Raises:
        DataError: another process makes it already.
        ModelError: as `make_map`.
    """
    job = folder(dataset, bundle)
    job.path.mkdir(parents=True, exist_ok=True)
    lock, told = job.lock(), [0.0]

    def tell(share: float, what: str) -> None:
        if time.monotonic() - told[0] > 0.5 or share >= 1:
            job.write_status("running", what, share=share)
            told[0] = time.monotonic()

    try:
        lock.acquire(timeout=5)
    except TimeoutError:
        raise DataError("Another process makes this map already: wait for it.") from None
    with lock:
        try:
            make_map(dataset, bundle, tell)
        except Exception as error:
            job.write_status("failed", str(error) or type(error).__name__)
            raise
        job.write_status("finished", share=1.0)
