"""The commands runs, steer, queue and sweep."""

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
from .arguments import RUNS, SOURCES, Commands, add_label_options, add_preset, positive_int
from .output import print_json, table

if TYPE_CHECKING:
    from ..runs.run_folder import RunFolder
    from ..runs.table import RunRow


def add_commands(commands: Commands) -> None:
    parser = commands.add("runs", runs, "List the training runs, or name, note, promote, pack or delete one.")
    parser.add_argument(
        "run", nargs="?", metavar="NAME|DIR", help="one run: its record, or what the options below do to it"
    )
    parser.add_argument("--runs", type=Path, metavar="DIR", help=RUNS)
    parser.add_argument("--title", metavar="TEXT", help="another title for it")
    parser.add_argument("--note", metavar="TEXT", help="a note about it")
    parser.add_argument(
        "--promote", metavar="NAME", help="keep its model under this name, for --model NAME and the app"
    )
    parser.add_argument("--pack", type=Path, metavar="ZIP", help="write its records and model to a zip file")
    parser.add_argument("--delete", action="store_true", help="delete it")
    parser.add_argument(
        "--against", metavar="NAME|DIR", help="show in which settings it differs from this run"
    )

    parser = commands.add("steer", steer, "Steer a run while it trains.")
    parser.add_argument("run", metavar="NAME|DIR")
    parser.add_argument(
        "action", choices=("pause", "go", "step", "stop", "rate"), help="step: one epoch more, then pause"
    )
    parser.add_argument(
        "value", nargs="?", type=float, metavar="RATE", help="for rate: the new learning rate"
    )
    parser.add_argument("--runs", type=Path, metavar="DIR", help=RUNS)

    parser = commands.add("queue", queue, "Show the queue of runs, change its order, or work on it.")
    parser.add_argument("--runs", type=Path, metavar="DIR", help=RUNS)
    parser.add_argument("--first", metavar="NAME", help="put this run at the front")
    parser.add_argument("--remove", metavar="NAME", help="take this run out")
    parser.add_argument(
        "--parallel", type=positive_int, metavar="N", help="how many runs may train at once (default: 1)"
    )
    parser.add_argument(
        "--work",
        action="store_true",
        help="start queued runs until the queue is empty",
    )

    parser = commands.add("sweep", sweep, "Search settings: many runs of a preset, with Optuna.")
    parser.add_argument("--data", metavar="SOURCE", help=SOURCES)
    add_label_options(parser)
    add_preset(parser, "a setting that all runs have")
    parser.add_argument(
        "--search",
        action="append",
        default=[],
        metavar="SECTION.NAME=RANGE",
        help="a setting that varies: a list 16,32,64, a range 0..20, in steps 0..20:5, "
        "or logarithmic 1e-4..1e-1:log; repeatable",
    )
    parser.add_argument("--trials", type=positive_int, metavar="N", help="number of runs (default: 20)")
    parser.add_argument(
        "--pruner",
        choices=("median", "hyperband", "none"),
        help="when to stop a run early (default: median)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the sampler")
    parser.add_argument(
        "--sweep-dir", type=Path, metavar="DIR", help="the folder of the sweep; its runs are beside it"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="resume the sweep in DIR, together with other workers"
    )
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="keep the study in a database instead of a file, such as postgresql://USER@HOST/NAME",
    )


def runs(options: argparse.Namespace) -> None:
    from ..runs import manage
    from ..runs.registry import Registry, RunNotes
    from ..runs.table import run_row, run_rows

    if options.run is None:
        rows = run_rows(_parent(options))
        return print_json([row.as_json() for row in rows]) if options.json else _list(rows, _parent(options))
    run = _find(options)
    registry = Registry(run.path.parent)
    if options.title is not None or options.note is not None:
        registry.describe(run.name, title=options.title, note=options.note)
    if options.promote:
        model = manage.promote(run, options.promote)
        print(f"{run.name} is kept as {model.name} in {model.path}", file=sys.stderr)
    if options.pack:
        storage.write_atomically(options.pack, manage.pack(run))
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
        manage.delete(run)
        return print_json({"deleted": run.name}) if options.json else print(f"{run.name} is deleted")
    row = run_row(run, registry.notes().get(run.name, RunNotes()))
    if options.json:
        return print_json(
            row.as_json() | {"config": json.loads(row.config.model_dump_json()) if row.config else None}
        )
    for key, value in row.as_json().items():
        print(f"{key:30}{'-' if value in (None, '') else value}")


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
    from ..runs import steering

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
    from ..runs import queue
    from ..runs.registry import Registry

    parent = _parent(options)
    registry = Registry(parent)
    for name in filter(None, (options.first, options.remove)):
        if name not in registry.queue():
            raise FerError(
                f"{name} does not wait in the queue of {parent}: "
                f"expected one of {', '.join(registry.queue()) or 'none'}."
            )
    if options.first:
        registry.reorder([options.first])
    if options.remove:
        queue.leave_queue(_find(options, options.remove))
    if options.parallel:
        registry.set_parallel(options.parallel)
    if options.work:
        queue.work(parent)
    else:
        queue.ensure_worker(parent)  # it may have ended with the machine
    waiting = registry.queue()
    if options.json:
        return print_json(
            {"waiting": waiting, "under_way": queue.under_way(parent), "parallel": registry.parallel()}
        )
    for i, name in enumerate(waiting):
        print(f"{i + 1}. {name}")
    if not waiting:
        print("Nothing waits.")


def sweep(options: argparse.Namespace) -> None:
    from ..runs.sweep_folder import SweepFolder
    from ..runs.table import run_rows

    folder = SweepFolder(options.resume) if options.resume else _new_sweep(options)
    folder.config()
    from ..runs.sweep import run_sweep

    begun = time.monotonic()
    outcome = run_sweep(folder)
    rows = [row for row in run_rows(folder.path.parent) if row.notes.sweep == folder.name]
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
    from ..runs.sweep_folder import SweepConfig, SweepFolder, create_sweep

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
    overrides = {"trials": options.trials, "pruner": options.pruner, "seed": options.seed}
    config = SweepConfig.make(
        base, space, **{key: value for key, value in overrides.items() if value is not None}
    )
    if options.storage:  # other sweeps in the same database may be called as this one
        name = options.sweep_dir.name if options.sweep_dir else f"sweep-{preset.name}"
        config = config.model_copy(
            update={"storage": options.storage, "study": f"{name}-{uuid.uuid4().hex[:8]}"}
        )
    if not options.sweep_dir:
        return create_sweep(storage.runs_folder(), config)
    folder = SweepFolder(options.sweep_dir)
    folder.create(config)
    return folder


def _parent(options: argparse.Namespace) -> Path:
    return options.runs or storage.runs_folder()


def _find(options: argparse.Namespace, name: str | None = None) -> RunFolder:
    """Return the run of a name below the folder of the runs, or of a path."""
    from ..runs.run_folder import RunFolder, open_run

    name = name or options.run
    below = _parent(options) / name
    return RunFolder(below) if RunFolder(below).exists() else open_run(Path(name))
