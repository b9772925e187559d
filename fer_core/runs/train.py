"""Train the run of a folder in this process: take its lock, train it to its end, and record how it ended."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable
from typing import Any

from ..errors import TrainingError
from ..hosting import quotas
from ..training.trainer import Trainer  # imports Keras, before pandas and pyarrow
from ..training.workers import ONE_WORKER, Workers
from ..wording import plural
from . import speed
from .command import train_command
from .locks import lock_run
from .run_folder import RunFolder
from .steering import Steering

_FULL = (errno.ENOSPC, errno.EDQUOT)


def train(
    run: RunFolder,
    on_progress: Callable[[dict[str, Any]], None] = lambda progress: None,
    finish: bool = False,
    workers: Workers = ONE_WORKER,
) -> str:
    """Train the run in `run` from its checkpoint, or from the start, to its end, and write its bundle.

    Args:
        run: A folder made by `RunFolder.create`, possibly with the checkpoint of an interrupted run.
        on_progress: Called after each batch and epoch, see `Trainer`.
        finish: Train no further: write the bundle with the best weights so far.
        workers: The workers that train it together; all but the first one work in a temporary copy of the
            folder.

    Returns:
        "finished", or "stopped" when it was asked to stop.

    Raises:
        FerError: The data or the settings do not fit, or another process trains in this folder.
    """
    with lock_run(run):
        try:
            run.clear_old_stop()
            if finish:
                run.request_stop()
            run.reserve_space()
            outcome = _train(run, on_progress, workers)
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):
                run.write_status("stopped", "Interrupted from the keyboard.")
            raise
        except Exception as error:
            full = isinstance(error, OSError) and error.errno in _FULL
            message = _full_disk(run) if full else str(error) or type(error).__name__
            # Where even the reserve does not help, the run counts as interrupted.
            with contextlib.suppress(OSError):
                run.free_reserve()
                run.write_status("failed", message)
            if full:
                raise TrainingError(message) from None
            raise
        with contextlib.suppress(OSError):
            run.free_reserve()
        return outcome


def _train(run: RunFolder, on_progress: Callable[[dict[str, Any]], None], workers: Workers) -> str:
    config = run.config()

    def report(progress: dict[str, Any]) -> None:
        # In the first epoch the graph was built.
        if progress.get("finished_epoch") and progress["epoch"] == 2 and workers.size == 1:
            speed.record(config, progress["training_speed"])
        on_progress(progress)

    # Time in earlier processes counts too: a run that is stopped and resumed has no more of it.
    seconds = sum(row["seconds"] for row in run.history())
    limits = quotas.Allowance(run.path, seconds)
    command = train_command(config, config.data.source)
    return Trainer(run, Steering(run), command, limits, workers, report).train()


def _full_disk(run: RunFolder) -> str:
    done = len(run.history())
    result = "nothing was learned yet"
    if run.checkpoint.exists() and done:
        result = f"what it learned in {plural(done, 'epoch')} is kept"
    return f"The disk is full: {result}; free some space and let it go on, or keep the best weights so far."
