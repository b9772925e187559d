"""Steer a run while it trains: pause, resume, train one epoch, change the learning rate, stop.

The app or the shell write a request to control.json in the run folder. The training process reads it between
batches, and logs what it did in steering.jsonl.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import TrainingError
from ..foreign_json import parse_json
from ..storage import write_atomically
from ..training.schedule import learning_rate
from .run_folder import RUNNING_STATES, RunFolder

_POLL_SECONDS = 0.2
_PATIENCE = 10  # seconds for the request of somebody else, which takes a moment
_LOG_CHARACTERS = 1_000_000  # thousands of changes


class Control(BaseModel):
    """The request to a run."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: Literal["run", "pause", "step"] = "run"
    step_until: int = Field(0, ge=0)  # mode step: pause once this many epochs are finished
    rate_factor: float = Field(1.0, gt=0)  # the learning rate is that of the schedule times this


def read_control(run: RunFolder) -> Control:
    """Read the request to `run`; without one, it runs as its settings say."""
    try:
        return Control.model_validate_json(run.control.read_bytes())
    except (OSError, ValidationError):
        return Control()


def _request(run: RunFolder, **changes: Any) -> None:
    try:
        # Of two visitors that ask at once, none may write what the other one has not yet changed.
        with FileLock(run.control.with_suffix(".lock"), timeout=_PATIENCE):
            request = read_control(run).model_copy(update=changes)
            write_atomically(run.control, request.model_dump_json().encode())
    except OSError as error:
        raise TrainingError(f"{run.name} cannot be steered: {error.strerror or error}.") from None


def _under_way(run: RunFolder) -> None:
    state = run.status()["state"]
    if state not in RUNNING_STATES:
        raise TrainingError(f"{run.name} is {state}: only a run that is under way can be steered.")


def pause(run: RunFolder) -> None:
    """Ask a run to pause after the current batch.

    Raises:
        TrainingError: The run is not under way. The functions below raise the same.
    """
    _under_way(run)
    _request(run, mode="pause")


def go_on(run: RunFolder) -> None:
    """Ask a paused run to train on."""
    _under_way(run)
    _request(run, mode="run")


def step(run: RunFolder) -> None:
    """Ask a run to train to the end of the current epoch, or of the next one if it is between two, and to
    pause there."""
    _under_way(run)
    _request(run, mode="step", step_until=len(run.history()) + 1)


def set_learning_rate(run: RunFolder, rate: float) -> None:
    """Ask a run to train with the learning rate `rate` from now on; a schedule keeps its shape and is scaled.

    Raises:
        TrainingError: The run is not under way, or `rate` is not above 0 and at most 10.
    """
    _under_way(run)
    if not 0 < rate <= 10:
        raise TrainingError(f"Learning rate {rate:g}: expected a number above 0, and 10 at most.")
    _request(run, rate_factor=rate / learning_rate(run.config().train, _epoch(run)))


def scheduled_rate(run: RunFolder) -> float:
    """Return the learning rate of the current epoch, with the requested factor."""
    return learning_rate(run.config().train, _epoch(run)) * read_control(run).rate_factor


def _epoch(run: RunFolder) -> int:
    return min(len(run.history()), run.config().train.epochs - 1)


def stop(run: RunFolder) -> None:
    """Ask a run to stop after the current batch and to keep its best weights."""
    _under_way(run)
    run.request_stop()


def clear_pause(run: RunFolder) -> None:
    """End a pause that the last process was asked for, before a run is resumed; a changed learning rate
    stays."""
    if read_control(run).mode != "run":
        _request(run, mode="run")


def steering_log(run: RunFolder) -> list[dict[str, Any]]:
    """List what was changed while the run trained: dicts with time (s since 1970), epoch, action and
    value."""
    try:
        with open(run.steering, encoding="utf-8") as file:
            lines = file.read(_LOG_CHARACTERS).splitlines()
    except (OSError, ValueError):
        return []
    entries = []
    for line in lines:
        with contextlib.suppress(ValueError):  # a full disk may have cut one
            entries.append(parse_json(line))
    return [entry for entry in entries if isinstance(entry, dict)]


class Steering:
    """Follow the requests to a run in its training process, and log what was done."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._seen: tuple[int, int] | None = None
        self._control = Control()
        self._factor = read_control(run).rate_factor

    def wait_while_paused(
        self, finished_epochs: int, epoch_begun: bool, stopped: Callable[[], bool]
    ) -> float:
        """Wait while the run is asked to pause.

        Args:
            finished_epochs: The number of finished epochs.
            epoch_begun: Whether a batch of the next one was trained.
            stopped: Whether the run is asked to stop, which ends a pause too.

        Returns:
            The seconds it waited.
        """
        if not self._paused(finished_epochs):
            return 0.0
        begun = time.monotonic()
        where = f"in epoch {finished_epochs + 1}" if epoch_begun else f"after epoch {finished_epochs}"
        self._log("paused", finished_epochs + 1)
        self._run.write_status("paused", f"Paused {where}.")
        while self._paused(finished_epochs) and not stopped():
            time.sleep(_POLL_SECONDS)
        self._run.write_status("running")
        self._log("went on", finished_epochs + 1)
        return time.monotonic() - begun

    def rate_factor(self, finished_epochs: int) -> float:
        """Return the factor on the scheduled learning rate."""
        factor = self._read().rate_factor
        if factor != self._factor:
            rate = factor * learning_rate(self._run.config().train, finished_epochs)
            self._log("learning rate", finished_epochs + 1, float(f"{rate:.6g}"))
            self._factor = factor
        return factor

    def rate_changes(self) -> list[dict[str, Any]]:
        """List the changes of the learning rate, for the card."""
        return [entry for entry in steering_log(self._run) if entry["action"] == "learning rate"]

    def _paused(self, finished_epochs: int) -> bool:
        control = self._read()
        return control.mode == "pause" or (control.mode == "step" and finished_epochs >= control.step_until)

    def _read(self) -> Control:
        try:
            stat = self._run.control.stat()
            seen = (
                stat.st_mtime_ns,
                stat.st_ino,
            )  # each change is a new file: the clock alone may be set back
        except OSError:
            seen = None
        if seen != self._seen:
            self._seen, self._control = seen, read_control(self._run) if seen else Control()
        return self._control

    def _log(self, action: str, epoch: int, value: float | None = None) -> None:
        line = {"time": time.time(), "epoch": epoch, "action": action, "value": value}
        with open(self._run.steering, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
