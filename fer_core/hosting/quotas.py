"""What a visitor's runs may use. Asked where a run is made, where it is started and while it trains; in local use nothing is asked."""

from __future__ import annotations

import contextlib
import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..config import RunConfig
from ..errors import ConfigError, TrainingError
from . import cleaning, memory, sources, visitors
from .visitors import Visitors

_LOCK = ".lock"  # of a visitor's folder, while something is counted and then added to it
_PATIENCE = 20  # seconds
_ON_YOUR_OWN = "or run FER Explorer on your own machine"
# A process leaves the memory of the app alone only where the system knows whom to end first.
_ENDED_FIRST = "1000"
_NICE = 10


@contextlib.contextmanager
def new_runs(path: Path, config: RunConfig, number: int = 1) -> Iterator[None]:
    """Within it the run at `path` may be made, or the sweep, which will make `number` runs from `config`.

    Raises:
        FerError: a quota forbids it, or it would read what is not the visitor's.
    """
    found = visitors.of(path)
    if found is None:
        yield
        return
    everybody, home = found
    check_config(config, everybody, home)
    with _counting(home):
        _check_number(everybody, home, number)
        _check_disk(everybody, home)
        yield


def check_config(config: RunConfig, everybody: Visitors, home: Path) -> None:
    """Raises FerError where a visitor's run may not be as `config` says."""
    most = everybody.settings.epochs
    if config.train.epochs > most:
        raise ConfigError(
            f"{config.train.epochs} epochs are too many: a run has {most} at most on this server; choose fewer, {_ON_YOUR_OWN}."
        )
    sources.check_source(config.data.source, everybody, home)
    if config.data.votes is not None:
        sources.check_path(config.data.votes, everybody, home)
    for model in filter(None, (config.train.start_from, config.train.teacher)):
        sources.check_model(model, home)


def check_start(path: Path, config: RunConfig | None, seconds: float = 0.0) -> None:
    """Whether the run or sweep at `path` may be started now, beside those of others.

    Args:
        config: of a run, or the base of a sweep; None where a run is only brought to its end.
        seconds: that it has trained already.

    Raises:
        FerError: it may not.
    """
    found = visitors.of(path)
    if found is None:
        return
    everybody, home = found
    if config is not None:
        check_config(config, everybody, home)
        _check_disk(everybody, home)
        if seconds >= 60 * everybody.settings.minutes:
            raise TrainingError(_over_time(everybody.settings.minutes))
    others = [run.name for run in everybody.running() if run.path != path]
    if len(others) >= everybody.settings.running_at_once:
        raise TrainingError(
            "This server is busy with other runs: put it in the queue, or try again when they have ended."
        )


def room(everybody: Visitors) -> bool:
    """Whether another run may start now: so many at once, and the memory for it."""
    running = everybody.running()
    if len(running) >= everybody.settings.running_at_once:
        return False
    # Where nothing runs it starts whatever is free: else a small host, or one that counts otherwise, would wait for ever.
    return not running or memory.free(everybody.settings.memory_mb) >= memory.TRAINING_MB * 1_000_000


def check_space(home: Path, more: int) -> None:
    """Whether a visitor may write `more` bytes.

    Raises:
        TrainingError: they would be too many.
    """
    found = visitors.of(home)
    if found is not None:
        _check_disk(found[0], home, more)


class Allowance:
    """What a run that trains may still use."""

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        """`seconds`: that it trained in processes before this one."""
        self._found, self._before, self._begun = visitors.of(path), seconds, time.monotonic()
        if self._found is not None:
            self._before += _seconds_of_others_in_its_sweep(path)
        self._why = ""

    def used_up(self) -> str:
        """The sentence that says why the run has to stop; empty while it may go on."""
        if self._found is None or self._why:
            return self._why
        minutes = self._found[0].settings.minutes
        if self._before + time.monotonic() - self._begun > 60 * minutes:
            self._why = _over_time(minutes)
        return self._why

    def check_disk(self) -> None:
        """After an epoch: whether what was written leaves room for more."""
        if self._found is None:
            return
        everybody, home = self._found
        most = everybody.settings.visitor_mb
        if visitors.size(home) > most * 1_000_000:
            self._why = f"Stopped, since your runs and uploads have come to {most} MB, the most on this server; delete some of them."


def child_environment(path: Path) -> dict[str, str]:
    """What a process for a visitor's run gets beside the environment of the app: settings that spare memory."""
    return memory.SPARING if visitors.of(path) is not None else {}


def yield_to_the_app(pid: int, path: Path) -> None:
    """Let the process of a visitor's run come after the app: for the processor, and when memory is short."""
    if visitors.of(path) is None:
        return
    import psutil

    with contextlib.suppress(OSError, psutil.Error):
        psutil.Process(pid).nice(_NICE)
    with contextlib.suppress(OSError):  # Linux alone has it
        Path(f"/proc/{pid}/oom_score_adj").write_text(_ENDED_FIRST)


def usage(everybody: Visitors, home: Path) -> dict[str, Any]:
    """Of a visitor: runs kept and bytes on disk, each with its limit."""
    settings = everybody.settings
    return {
        "runs": _kept(home),
        "runs_most": settings.runs_per_visitor,
        "bytes": visitors.size(home),
        "bytes_most": settings.visitor_mb * 1_000_000,
    }


def _kept(home: Path) -> int:
    runs = home / "runs"
    return sum((path / "config.json").is_file() for path in runs.iterdir()) if runs.is_dir() else 0


def _check_number(everybody: Visitors, home: Path, more: int) -> None:
    most, there = everybody.settings.runs_per_visitor, _kept(home)
    if there + more > most:
        raise TrainingError(
            f"You have {there} of the {most} runs that a visitor may keep on this server, and {more} more would be too many: "
            f"delete some under Runs, {_ON_YOUR_OWN}."
        )


def _check_disk(everybody: Visitors, home: Path, more: int = 0) -> None:
    settings = everybody.settings
    there = visitors.size(home)
    if there + more > settings.visitor_mb * 1_000_000:
        raise TrainingError(
            f"Your runs and uploads take {there / 1e6:.0f} MB of the {settings.visitor_mb} MB that a visitor has on this server, "
            f"which leaves no room: delete some of them, {_ON_YOUR_OWN}."
        )
    if cleaning.total(everybody) + more > settings.total_mb * 1_000_000:
        cleaning.clean(everybody, home, more)
        if cleaning.total(everybody) + more > settings.total_mb * 1_000_000:
            raise TrainingError(
                "The disk space that this server has for visitors is used up: try again later."
            )


def _seconds_of_others_in_its_sweep(path: Path) -> float:
    """What the other runs of a sweep have trained: a sweep takes no longer than a run. 0 for a run of its own."""
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
    return f"Stopped after {minutes} {'minute' if minutes == 1 else 'minutes'}, the most that a run may take on this server."


@contextlib.contextmanager
def _counting(home: Path) -> Iterator[None]:
    """One at a time counts a visitor's runs and adds to them, whatever many tabs are clicked at once."""
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
