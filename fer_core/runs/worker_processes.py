"""Start the workers of a run, watch them, and begin anew from the last finished epoch where one is lost."""

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
from ..process_folder import PROJECT
from .run_folder import RunFolder

_LOSSES = 3  # of workers, without an epoch finished in between
_LOOK_SECONDS = 0.2
_LOST = -1


def run_crew(run: RunFolder, size: int, finish: bool = False, as_json: bool = False) -> int:
    """Train `run` with `size` processes of this machine to its end, which the first one tells on stdout. Returns its exit status.

    Raises:
        TrainingError: workers end again and again.
    """
    losses, epochs = 0, len(run.history())
    while True:
        status = _once(run, size, [*(["--finish"] if finish else []), *(["--json"] if as_json else [])])
        if status != _LOST:  # done, or an error that was told in a sentence
            return status
        if len(run.history()) > epochs:
            losses, epochs = 0, len(run.history())
        losses += 1
        if losses == _LOSSES:
            message = f"A worker was lost {_LOSSES} times without an epoch finished in between: go on with fewer workers; what was learned is kept."
            run.write_status("failed", message)
            raise TrainingError(message)
        print(f"a worker was lost; going on after epoch {len(run.history())}", file=sys.stderr)


def _once(run: RunFolder, size: int, options: list[str]) -> int:
    """The exit status of the first worker; where one ends in the middle, all are ended, since the others wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        sys.executable,
        "-m",
        "fer_core",
        "train",
        "--resume",
        str(run.path.resolve()),
        "--coordinator",
        address,
        "--workers",
        str(size),
    ]
    command += options
    # The copies of the other workers are removed here: one that is killed cannot do so itself.
    scratch = tempfile.TemporaryDirectory(prefix="fer-crew-")
    environment = os.environ | {"FER_CREW_PARENT": str(os.getpid()), "TMPDIR": scratch.name}
    workers = []
    try:
        for rank in range(size):
            output = {} if rank == 0 else {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            workers.append(
                subprocess.Popen([*command, "--rank", str(rank)], cwd=PROJECT, env=environment, **output)
            )  # type: ignore[call-overload]
        while True:
            states = [worker.poll() for worker in workers]
            if any(
                state is not None and state < 0 for state in states
            ):  # killed; the first one may have failed because of it
                return _LOST
            if states[0] is not None:
                return states[0]
            if any(states):
                return _LOST
            time.sleep(_LOOK_SECONDS)
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        scratch.cleanup()


@contextlib.contextmanager
def folder_of(run: RunFolder, rank: int) -> Iterator[RunFolder]:
    """Where a worker writes: the first one in the run's folder, others in a copy of what they need."""
    if rank == 0:
        yield run
        return
    with tempfile.TemporaryDirectory(prefix="fer-crew-") as name:
        copy = RunFolder(Path(name) / run.name)
        copy.path.mkdir()
        for file in (run.path / "config.json", run.checkpoint):
            if file.exists():
                shutil.copy(file, copy.path)
        yield copy


def follow_parent() -> None:
    """End this process when the one that started the workers has ended."""
    parent = os.environ.get("FER_CREW_PARENT")
    if parent is not None:
        threading.Thread(target=_follow, args=(int(parent),), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
