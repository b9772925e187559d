"""Processes of the workers that train one run: start them, and restart from the last finished epoch if one is
lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import TrainingError
from ..resources import subprocess_environment
from .run_folder import RunFolder

_MAX_LOSSES = 3  # without an epoch finished in between
_POLL_SECONDS = 0.2
_LOST = -1


def train_with_workers(run: RunFolder, size: int, finish: bool = False, as_json: bool = False) -> int:
    """Train `run` to its end with `size` processes of this machine; the first one prints the outcome on
    stdout.

    Returns:
        The exit status of the first worker.

    Raises:
        TrainingError: Workers are lost again and again.
    """
    losses, epochs = 0, len(run.history())
    while True:
        status = _once(run, size, [*(["--finish"] if finish else []), *(["--json"] if as_json else [])])
        if status != _LOST:  # done, or an error that was printed
            return status
        if len(run.history()) > epochs:
            losses, epochs = 0, len(run.history())
        losses += 1
        if losses == _MAX_LOSSES:
            message = (
                f"A worker was lost {_MAX_LOSSES} times without an epoch finished in between: "
                "go on with fewer workers; what was learned is kept."
            )
            run.write_status("failed", message)
            raise TrainingError(message)
        print(f"a worker was lost; going on after epoch {len(run.history())}", file=sys.stderr)


def _once(run: RunFolder, size: int, options: list[str]) -> int:
    """Return the exit status of the first worker, or _LOST; if one ends early, end all, since the others wait
    for it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "fer_core", "train", "--resume", str(run.path.resolve())]
    command += ["--coordinator", address, "--workers", str(size), *options]
    # The copies of the other workers are removed here: one that is killed cannot do so itself.
    scratch = tempfile.TemporaryDirectory(prefix="fer-workers-")
    environment = subprocess_environment() | {"FER_WORKERS_PARENT": str(os.getpid()), "TMPDIR": scratch.name}
    workers = []
    try:
        for rank in range(size):
            output = None if rank == 0 else subprocess.DEVNULL
            ranked = [*command, "--rank", str(rank)]
            workers.append(subprocess.Popen(ranked, env=environment, stdout=output, stderr=output))
        while True:
            states = [worker.poll() for worker in workers]
            # Killed; the first one may have failed because of it.
            if any(state is not None and state < 0 for state in states):
                return _LOST
            if states[0] is not None:
                return states[0]
            if any(states):
                return _LOST
            time.sleep(_POLL_SECONDS)
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        scratch.cleanup()


@contextlib.contextmanager
def worker_folder(run: RunFolder, rank: int) -> Iterator[RunFolder]:
    """Give the folder that a worker writes to: the run's own for the first one, a temporary copy for the
    others."""
    if rank == 0:
        yield run
        return
    with tempfile.TemporaryDirectory(prefix="fer-workers-") as name:
        copy = RunFolder(Path(name) / run.name)
        copy.path.mkdir()
        for file in (run.path / "config.json", run.checkpoint):
            if file.exists():
                shutil.copy(file, copy.path)
        yield copy


def follow_parent() -> None:
    """End this process when the one that started the workers has ended."""
    parent = os.environ.get("FER_WORKERS_PARENT")
    if parent is not None:
        threading.Thread(target=_follow, args=(int(parent),), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)
