"""Quotas of a visitor's runs, checked when a run is created, when it starts and while it trains.

None apply locally.
"""

from __future__ import annotations

import contextlib
import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ..errors import ConfigError, TrainingError
from ..wording import plural
from . import cleaning, memory, sources
from .visitors import Visitors, folder_size, owner_of

if TYPE_CHECKING:
    from ..config import RunConfig

_LOCK = ".lock"  # in a visitor's folder, held while something is counted and then added
_PATIENCE = 20  # seconds
_PARAMETERS = 15_000_000  # of a network; those of the presets have up to 11 million
_ON_YOUR_OWN = "or run FER Explorer on your own machine"
# A process can only spare the memory of the app if the system knows which one to kill first.
_ENDED_FIRST = "1000"
_NICE = 10


@contextlib.contextmanager
def new_runs(path: Path, config: RunConfig, number: int = 1) -> Iterator[None]:
    """Create a run at `path` in this context, or a sweep that will create `number` runs from `config`.

    Raises:
        FerError: A quota forbids it, or it would read files of others.
    """
    owner = owner_of(path)
    if owner is None:
        yield
        return
    visitors, home = owner
    check_config(config, visitors, home)
    with _counting(home):
        _check_number(visitors, home, number)
        _check_disk(visitors, home)
        yield


def check_config(config: RunConfig, visitors: Visitors, home: Path) -> None:
    """Check that a visitor may train with `config`.

    Raises:
        FerError: The visitor may not.
    """
    from ..zoo.applications import IMAGENET

    most = visitors.settings.epochs
    if config.train.epochs > most:
        raise ConfigError(
            f"{config.train.epochs:,} epochs are too many: a run has at most {most:,} on this server; choose "
            f"fewer, {_ON_YOUR_OWN}."
        )
    sources.check_source(config.data.source, visitors, home)
    _check_network(config)
    if config.data.votes is not None:
        sources.check_path(config.data.votes, visitors, home)
    for model in filter(None, (config.train.start_from, config.train.teacher)):
        if model != IMAGENET:
            sources.check_model(model, home)


def _check_network(config: RunConfig) -> None:
    from ..zoo.families import as_blocks  # imported here: the first page does not need it
    from ..zoo.summary import summary

    parameters = summary(as_blocks(config.model)).parameters
    if parameters > _PARAMETERS:
        raise ConfigError(
            f"A network of {parameters / 1e6:,.0f} million parameters is too large: at most "
            f"{_PARAMETERS // 10**6} million are trained on this server; make it smaller, {_ON_YOUR_OWN}."
        )


def check_start(path: Path, config: RunConfig | None, seconds: float = 0.0) -> None:
    """Check that the run or sweep at `path` may start now, beside those of others.

    Args:
        config: The settings of a run, or the base settings of a sweep; None if a run is only completed.
        seconds: Training time so far.

    Raises:
        FerError: The run may not start.
    """
    owner = owner_of(path)
    if owner is None:
        return
    visitors, home = owner
    if config is not None:
        check_config(config, visitors, home)
        _check_disk(visitors, home)
        if seconds >= 60 * visitors.settings.minutes:
            raise TrainingError(_over_time(visitors.settings.minutes))
    others = [run.name for run in visitors.running() if run.path != path]
    if len(others) >= visitors.settings.running_at_once:
        raise TrainingError(
            "This server is busy with other runs: put it in the queue, or try again when they have ended."
        )


def has_room(visitors: Visitors) -> bool:
    """Return whether another run may start now, by the number of runs and the memory for it."""
    running = visitors.running()
    if len(running) >= visitors.settings.running_at_once:
        return False
    # If nothing is running, a run always starts: otherwise it would wait for ever on a small host.
    return not running or memory.free(visitors.settings.memory_mb) >= memory.TRAINING_MB * 1_000_000


def check_space(home: Path, more: int) -> None:
    """Check that a visitor may write `more` bytes.

    Raises:
        TrainingError: The quota would be exceeded.
    """
    owner = owner_of(home)
    if owner is not None:
        _check_disk(owner[0], home, more)


class Allowance:
    """Remaining quota of a run in training."""

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        """Create the allowance of a run that was trained for `seconds` in earlier processes."""
        self._owner, self._before, self._begun = owner_of(path), seconds, time.monotonic()
        if self._owner is not None:
            self._before += _seconds_of_others_in_its_sweep(path)
        self._why = ""

    def used_up(self) -> str:
        """Return the sentence with the reason to stop the run, or an empty string."""
        if self._owner is None or self._why:
            return self._why
        minutes = self._owner[0].settings.minutes
        if self._before + time.monotonic() - self._begun > 60 * minutes:
            self._why = _over_time(minutes)
        return self._why

    def check_disk(self) -> None:
        """Check after an epoch that the disk quota leaves room for more."""
        if self._owner is None:
            return
        visitors, home = self._owner
        most = visitors.settings.visitor_mb
        if folder_size(home) > most * 1_000_000:
            self._why = (
                f"Stopped, since your runs and uploads have come to {most} MB, the most on this "
                "server; delete some of them."
            )


def child_environment(path: Path) -> dict[str, str]:
    """Return environment variables that save memory in a process for a visitor's run."""
    return memory.SPARING if owner_of(path) is not None else {}


def give_app_priority(pid: int, path: Path) -> None:
    """Give the app priority over this process, for the processor and when memory is short."""
    if owner_of(path) is not None:
        give_way(pid)


def give_way(pid: int) -> None:
    """Let a process give way to the app, for the processor and when memory is short."""
    import psutil

    with contextlib.suppress(OSError, psutil.Error):
        psutil.Process(pid).nice(_NICE)
    with contextlib.suppress(OSError):  # only exists on Linux
        Path(f"/proc/{pid}/oom_score_adj").write_text(_ENDED_FIRST)


def usage(visitors: Visitors, home: Path) -> dict[str, Any]:
    """Return a visitor's number of runs and bytes on disk, each with its limit."""
    settings = visitors.settings
    return {
        "runs": _run_count(home),
        "runs_most": settings.runs_per_visitor,
        "bytes": folder_size(home),
        "bytes_most": settings.visitor_mb * 1_000_000,
    }


def _run_count(home: Path) -> int:
    runs = home / "runs"
    return sum((path / "config.json").is_file() for path in runs.iterdir()) if runs.is_dir() else 0


def _check_number(visitors: Visitors, home: Path, more: int) -> None:
    most, existing = visitors.settings.runs_per_visitor, _run_count(home)
    if existing + more > most:
        raise TrainingError(
            f"You have {existing:,} of at most {plural(most, 'run')} on this server, and {more:,} more would "
            f"be too many: delete some under Runs, {_ON_YOUR_OWN}."
        )


def _check_disk(visitors: Visitors, home: Path, more: int = 0) -> None:
    settings = visitors.settings
    size = folder_size(home)
    if size + more > settings.visitor_mb * 1_000_000:
        raise TrainingError(
            f"Your runs and uploads take {size / 1e6:.0f} MB of the {settings.visitor_mb} MB that a visitor "
            f"has on this server, which leaves no room: delete some of them, {_ON_YOUR_OWN}."
        )
    if cleaning.total(visitors) + more > settings.total_mb * 1_000_000:
        cleaning.clean(visitors, home, more)
        if cleaning.total(visitors) + more > settings.total_mb * 1_000_000:
            raise TrainingError(
                "The disk space that this server has for visitors is used up by others who are here now: try "
                f"again in an hour, {_ON_YOUR_OWN}."
            )


def _seconds_of_others_in_its_sweep(path: Path) -> float:
    """Return the training time of the other runs of a sweep, which has the time limit of a run.

    It is 0 outside a sweep.
    """
    sweep, _, number = path.name.rpartition("-")
    if not number.isdigit() or not (path.with_name(sweep) / "sweep.json").is_file():
        return 0.0
    total = 0.0
    for history in path.parent.glob(f"{sweep}-[0-9][0-9][0-9]/history.csv"):
        if history.parent == path:
            continue
        with (
            contextlib.suppress(OSError, ValueError, KeyError),
            open(history, encoding="utf-8", newline="") as file,
        ):
            total += sum(float(row["seconds"]) for row in csv.DictReader(file))
    return total


def _over_time(minutes: int) -> str:
    return (
        f"Stopped after {minutes} {'minute' if minutes == 1 else 'minutes'}, the most that a run may "
        "take on this server."
    )


@contextlib.contextmanager
def _counting(home: Path) -> Iterator[None]:
    """Lock the count of a visitor's runs, so that clicks in several tabs cannot exceed it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / _LOCK, timeout=_PATIENCE)
        lock.acquire()
    except Timeout:
        raise TrainingError("Another of your runs is just being made: try again.") from None
    except OSError as error:
        raise TrainingError(
            f"Your folder on this server cannot be written: {error.strerror or error}."
        ) from None
    try:
        yield
    finally:
        lock.release()
