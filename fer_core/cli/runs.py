"""Commands for training runs: runs, steer, queue, sweep."""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import storage
from ..errors import FerError
from .output import print_json, table

if TYPE_CHECKING:
    from ..training.run_folder import RunFolder
    from ..training.run_table import RunRow


def runs(options: argparse.Namespace) -> None:
    from ..training import keeping
    from ..training.registry import Registry
    from ..training.run_table import run_row, run_rows

    if options.run is None:
        rows = run_rows(_parent(options))
        return print_json([row.as_json() for row in rows]) if options.json else _list(rows, _parent(options))
    run = _find(options)
    registry = Registry(run.path.parent)
    if options.title is not None or options.note is not None:
        registry.describe(run.name, title=options.title, note=options.note)
    if options.promote:
        kept = keeping.promote(run, options.promote)
        print(f"{run.name} is kept as {kept.name} in {kept.path}", file=sys.stderr)
    if options.pack:
        storage.write_atomically(options.pack, keeping.pack(run))
    if options.against:
        differences = run.config().differences(_find(options, options.against).config())
        if options.json:
            return print_json({path: list(pair) for path, pair in differences.items()})
        return print(
            table(
                ["setting", run.name, options.against],
                [[p, json.dumps(a), json.dumps(b)] for p, (a, b) in differences.items()],
            )
        )
    if options.delete:
        keeping.delete(run)
        return print_json({"deleted": run.name}) if options.json else print(f"{run.name} is deleted")
    row = run_row(run, registry.about().get(run.name) or _nothing())
    if options.json:
        return print_json(
            row.as_json() | {"config": json.loads(row.config.model_dump_json()) if row.config else None}
        )
    for key, value in row.as_json().items():
        print(f"{key:30}{'-' if value in (None, '') else value}")


def _nothing() -> Any:
    from ..training.registry import About

    return About()


def _list(rows: list[RunRow], parent: Path) -> None:
    if not rows:
        return print(f"There are no runs in {parent}.")
    lines = []
    for row in rows:
        best = "-"
        if row.best_accuracy is not None:
            best = f"{row.best_accuracy:.1%}" + (
                " ({:.1%} to {:.1%})".format(*row.interval) if row.interval else ""
            )
        epochs = f"{row.epochs}/{row.config.train.epochs}" if row.config else str(row.epochs)
        lines.append(
            [
                row.title,
                row.state,
                (row.config.preset or "-") if row.config else "-",
                epochs,
                best,
                f"{row.parameters or 0:,}",
                f"{row.seconds:,.0f} s",
            ]
        )
    print(table(["run", "state", "preset", "epochs", "best on validation", "parameters", "trained"], lines))


def steer(options: argparse.Namespace) -> None:
    from ..training import steering

    run = _find(options)
    if (options.action == "rate") != (options.value is not None):
        options.usage_error("rate needs a learning rate, the other actions none: steer RUN rate 0.01")
    if options.action == "rate":
        steering.set_learning_rate(run, options.value)
    else:
        {"pause": steering.pause, "go": steering.go_on, "step": steering.step, "stop": steering.stop}[
            options.action
        ](run)
    if options.json:
        print_json({"run": run.name, "action": options.action, "value": options.value})
    else:
        print(
            f"{run.name}: asked for {options.action}{'' if options.value is None else f' {options.value:g}'}"
        )


def queue(options: argparse.Namespace) -> None:
    from ..training import run_queue
    from ..training.registry import Registry

    parent = _parent(options)
    registry = Registry(parent)
    for name in filter(None, (options.first, options.remove)):
        if name not in registry.queue():
            raise FerError(
                f"{name} does not wait in the queue of {parent}: expected one of {', '.join(registry.queue()) or 'none'}."
            )
    if options.first:
        registry.reorder([options.first])
    if options.remove:
        run_queue.leave_queue(_find(options, options.remove))
    if options.parallel:
        registry.set_parallel(options.parallel)
    if options.work:
        run_queue.work(parent)
    else:
        run_queue.ensure_worker(parent)  # it may have ended with the machine
    waiting = registry.queue()
    if options.json:
        return print_json(
            {"waiting": waiting, "under_way": run_queue.under_way(parent), "parallel": registry.parallel()}
        )
    for i, name in enumerate(waiting):
        print(f"{i + 1}. {name}")
    if not waiting:
        print("Nothing waits.")


def sweep(options: argparse.Namespace) -> None:
    from ..training.run_table import run_rows
    from ..training.sweep_folder import SweepFolder

    folder = SweepFolder(options.resume) if options.resume else _new_sweep(options)
    folder.config()
    from ..training.sweep import run_sweep

    begun = time.monotonic()
    outcome = run_sweep(folder)
    rows = [row for row in run_rows(folder.path.parent) if row.about.sweep == folder.name]
    best = max(
        (row for row in rows if row.best_accuracy is not None),
        key=lambda row: row.best_accuracy or 0.0,
        default=None,
    )
    if options.json:
        return print_json(
            {
                "sweep": str(folder.path),
                "state": outcome,
                "runs": [row.as_json() for row in rows],
                "best": best.run.name if best else None,
            }
        )
    _list(rows, folder.path.parent)
    if best and best.config:
        space = folder.config().space
        chosen = ", ".join(f"{path}={best.config.setting(path)}" for path in space)
        print(f"{outcome} after {time.monotonic() - begun:,.0f} s; best: {best.run.name} with {chosen}")


def _new_sweep(options: argparse.Namespace) -> Any:
    from ..data import open_dataset
    from ..presets import DEFAULT_PRESET, find_preset
    from ..training.sweep_folder import SweepConfig, SweepFolder, new_sweep_folder

    if options.data is None or not options.search:
        options.usage_error(
            "sweep needs --data SOURCE and at least one --search SECTION.NAME=RANGE (or --resume DIR)"
        )
    open_dataset(options.data)
    preset = find_preset(options.preset or DEFAULT_PRESET)
    base = preset.config.override("data", source=options.data).with_settings(options.set)
    space = {}
    for text in options.search:
        path, _, values = text.partition("=")
        space[path.strip()] = values
    given = {"trials": options.trials, "pruner": options.pruner, "seed": options.seed}
    config = SweepConfig.make(
        base, space, **{key: value for key, value in given.items() if value is not None}
    )
    folder = (
        SweepFolder(options.sweep_dir)
        if options.sweep_dir
        else new_sweep_folder(storage.runs_folder(), preset.name)
    )
    if options.storage:  # other sweeps in the same database may be called as this one
        config = config.model_copy(
            update={"storage": options.storage, "study": f"{folder.name}-{uuid.uuid4().hex[:8]}"}
        )
    folder.create(config)
    return folder


def _parent(options: argparse.Namespace) -> Path:
    return options.runs or storage.runs_folder()


def _find(options: argparse.Namespace, name: str | None = None) -> RunFolder:
    """The run that a name below the folder of the runs, or a path, means."""
    from ..training.run_folder import RunFolder, open_run

    name = name or options.run
    below = _parent(options) / name
    return RunFolder(below) if RunFolder(below).exists() else open_run(Path(name))
