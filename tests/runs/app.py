"""Stands in for an app on a folder of runs: `python -m tests.runs.app JOB FOLDER ...`.

`app FOLDER NAME` does at random what visitors do, `queue` works on the queue, `train` is a training of a
moment. Each appends what it did to FOLDER/events, a line of JSON each.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fer_core.config import RunConfig
from fer_core.data import open_dataset
from fer_core.data.recipe import Recipe, save_recipe
from fer_core.errors import FerError, TrainingError
from fer_core.quality.verdicts import Verdicts
from fer_core.runs import manage, processes, queue
from fer_core.runs.locks import LockHeldError, lock_run
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import HISTORY_COLUMNS, RunFolder, create_run, list_runs
from fer_core.runs.table import run_rows

IMAGES, RUNS, NAMES, STEPS = 350, 4, 8, 48


def note(folder: Path, what: str, **more: Any) -> None:
    line = json.dumps({"what": what, "at": time.time(), "pid": os.getpid(), **more}) + "\n"
    file = os.open(folder / "events", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


def _start_detached(arguments: list[str], log: Path, *_: Any, **__: Any) -> subprocess.Popen[bytes]:
    """Start what stands in for the training process or the one of the queue."""
    parent = Path(arguments[2]).parent if arguments[0] == "train" else Path(arguments[2])
    job = [str(parent.parent), arguments[2]] if arguments[0] == "train" else [str(parent.parent)]
    with open(parent.parent / "log.txt", "ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.runs.app", arguments[0], *job], stdout=file, stderr=file
        )


def train(folder: Path, path: str) -> None:
    """Hold the lock of a run for a moment, as a training does."""
    run = RunFolder(Path(path))
    try:
        _train(folder, run)
    except LockHeldError:
        note(folder, "twice", name=run.name)


def _train(folder: Path, run: RunFolder) -> None:
    with lock_run(run):
        if run.history():
            note(folder, "twice", name=run.name)
            return
        note(folder, "begun", name=run.name)
        run.write_status("running")
        for _ in range(10):
            time.sleep(0.03)
            if run.stop_requested():
                break
        run.write_history([dict.fromkeys(HISTORY_COLUMNS, 1.0)])
        run.write_status("finished")
        note(folder, "ended", name=run.name)


def app(folder: Path, name: str) -> None:
    """Do at random what visitors of one app do, at the same time as another app."""
    Visitor(folder, name).visit()


class Visitor:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.runs = folder, folder / "runs"
        self.random = random.Random(name)
        self.first = int(name == "b")
        self.created = self.named = 0
        self.data = open_dataset(f"synthetic:{IMAGES}:0")

    def visit(self) -> None:
        note(self.folder, "ready")
        while not (self.folder / "go").exists():
            time.sleep(0.001)
        actions: list[Callable[[], None]] = [
            self.create,
            self.again,
            self.start_now,
            self.leave,
            self.delete,
            self.stop,
            self.reorder,
            self.describe,
            self.look,
        ]
        for number in range(STEPS):
            self.attempt(self.verdict, number)
            if number % 6 == 0:
                self.attempt(self.names)
            self.attempt(self.random.choice(actions))

    def attempt(self, action: Callable[..., None], *arguments: Any) -> None:
        try:
            action(*arguments)
        except FerError as error:
            note(self.folder, "refused", action=action.__name__, message=str(error))

    def verdict(self, number: int) -> None:
        row = 2 * number + self.first
        Verdicts(self.data, self.folder / "home" / "verdicts.sqlite").give([row], "right")
        note(self.folder, "verdict", row=row)

    def names(self) -> None:
        """Give a model and a variant a name that the other app gives at this moment too."""
        self.named += 1
        if self.named > NAMES:
            return
        saved = f"name-{self.named}"
        self.attempt(self.promote, saved)
        self.attempt(self.recipe, saved)

    def promote(self, name: str) -> None:
        manage.promote(RunFolder(self.folder / "ready"), name)
        note(self.folder, "promoted", name=name)

    def recipe(self, name: str) -> None:
        save_recipe(Recipe(str(os.getpid()), "00ff", {1: "copy"}, {}), self.folder / "data", name)
        note(self.folder, "saved", name=name)

    def create(self) -> None:
        if self.created < RUNS:
            self.created += 1
            config = RunConfig(preset="quick").replace("train", seed=self.first)
            run = create_run(self.runs, config)
            note(self.folder, "created", name=run.name, seed=self.first)
            queue.submit(run)

    def any_run(self, state: str) -> RunFolder:
        runs = [run for run in list_runs(self.runs) if run.status()["state"] == state and not run.history()]
        if not runs:
            raise TrainingError("nothing to do")
        return min(runs, key=lambda run: run.name)  # the other app is likely to take the same one

    def again(self) -> None:
        queue.submit(self.any_run("stopped"))

    def start_now(self) -> None:
        queue.start_now(self.any_run("queued"))

    def leave(self) -> None:
        queue.leave_queue(self.any_run("queued"))

    def delete(self) -> None:
        run = self.any_run(self.random.choice(["queued", "stopped"]))
        manage.delete(run)
        note(self.folder, "deleted", name=run.name)

    def stop(self) -> None:
        self.any_run("running").request_stop()

    def reorder(self) -> None:
        registry = Registry(self.runs)
        names = registry.queue()
        self.random.shuffle(names)
        registry.reorder(names)

    def describe(self) -> None:
        run = self.any_run("queued")
        Registry(self.runs).describe(run.name, note="seen")

    def look(self) -> None:
        run_rows(self.runs)
        queue.ensure_worker(self.runs)


def work(folder: Path) -> None:
    """Work on the queue, as `python -m fer_core queue --work`, which says so where another does already."""
    try:
        queue.work(folder / "runs")
    except TrainingError as error:
        note(folder, "refused", action="work", message=str(error))


if __name__ == "__main__":
    processes.start_detached = queue.start_detached = _start_detached  # type: ignore[assignment]
    {"app": app, "train": train, "queue": work}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
