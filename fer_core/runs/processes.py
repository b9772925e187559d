"""Start runs and sweeps in processes of their own, which outlive the app that started them."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from pathlib import Path

from ..config import RunConfig
from ..diagnostics import log
from ..errors import TrainingError
from ..hosting import quotas, visitors
from ..process_folder import start_detached
from .locks import lock_starts
from .run_folder import RunFolder, create_run
from .steering import clear_pause
from .sweep_folder import SweepFolder


def start(config: RunConfig, parent: Path) -> RunFolder:
    """Create a run below `parent` and start training it.

    Raises:
        TrainingError: The folder cannot be written, or the process cannot be started.
    """
    run = create_run(parent, config)
    resume(run)
    return run


def resume(run: RunFolder | SweepFolder, finish: bool = False) -> None:
    """Start the process of a run or sweep, which goes on after its last finished epoch or run.

    Args:
        run: A new, stopped or interrupted run.
        finish: Train no further, only write the bundle with the best weights so far.

    Raises:
        TrainingError: A process trains in the folder already, or none can be started.
        FerError: The run exceeds a visitor's quota.
    """
    with lock_starts(run.path.parent):
        process = _launch(run, finish)
    kind = "run" if isinstance(run, RunFolder) else "sweep"
    log.event(f"{kind} started", name=run.name, of_a_visitor=visitors.owner_of(run.path) is not None)
    threading.Thread(
        target=_until_it_ends, args=(run, process, kind), name=f"fer-{run.name}", daemon=True
    ).start()


def _launch(run: RunFolder | SweepFolder, finish: bool) -> subprocess.Popen[bytes]:
    run.check_idle()
    if visitors.owner_of(run.path) is not None:
        _check_quotas(run, finish)
    if isinstance(run, RunFolder):
        command = ["train", "--resume", str(run.path.resolve()), *(["--finish"] if finish else [])]
        clear_pause(run)
    else:
        command = ["sweep", "--resume", str(run.path.resolve())]
    try:
        run.clear_stop()
        run.write_status("starting", "Starting the training process.", launched=time.time())
        process = start_detached(command, run.log, environment=quotas.child_environment(run.path))
    except OSError as error:
        raise TrainingError(
            f"The training process could not be started: {error.strerror or error}."
        ) from None
    quotas.give_app_priority(process.pid, run.path)
    return process


def _until_it_ends(run: RunFolder | SweepFolder, process: subprocess.Popen[bytes], kind: str) -> None:
    """Log how it ended, for as long as this process is there to see it."""
    begun = time.monotonic()
    status = process.wait()
    log.event(
        f"{kind} ended",
        logging.INFO if status == 0 else logging.ERROR,
        name=run.name,
        state=run.status()["state"],
        epochs=len(run.history()) if isinstance(run, RunFolder) else None,
        seconds=round(time.monotonic() - begun, 1),
        exit_status=status,
    )


def _check_quotas(run: RunFolder | SweepFolder, finish: bool) -> None:
    if finish:
        quotas.check_start(run.path, None)
    elif isinstance(run, RunFolder):
        quotas.check_start(run.path, run.config(), sum(row["seconds"] for row in run.history()))
    else:
        quotas.check_start(run.path, run.config().base)
