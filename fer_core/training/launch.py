"""Start training in a process of its own, which outlives the app that started it."""

from __future__ import annotations

from pathlib import Path

from ..config import RunConfig
from ..errors import TrainingError
from ..process_folder import start_detached
from .run_folder import RunFolder, new_run_folder
from .steering import forget_pause
from .sweep_folder import SweepFolder


def start(config: RunConfig, parent: Path) -> RunFolder:
    """Create a run below `parent` and start training it.

    Raises:
        TrainingError: the folder cannot be written, or the process cannot be started.
    """
    run = new_run_folder(parent, config.preset or "run")
    run.create(config)
    resume(run)
    return run


def resume(run: RunFolder | SweepFolder, finish: bool = False) -> None:
    """Start the process of a run or sweep that is new, stopped or interrupted; it goes on after its last finished epoch or run.

    Args:
        finish: train no further, only write the bundle with the best weights so far.

    Raises:
        TrainingError: a process is at work in it already, or none can be started.
    """
    if run.alive():
        raise TrainingError(f"{run.name} is under way already.")
    if isinstance(run, RunFolder):
        command = ["train", "--resume", str(run.path.resolve()), *(["--finish"] if finish else [])]
        forget_pause(run)
    else:
        command = ["sweep", "--resume", str(run.path.resolve())]
    try:
        run.clear_stop()
        run.write_status("starting", "Starting the training process.")
        start_detached(command, run.log)
    except OSError as error:
        raise TrainingError(f"The training process could not be started: {error.strerror or error}.") from None
