"""The commands train, cross-validate and speed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..errors import FerError
from ..keras_import import import_keras
from ..runs.locks import lock_run
from ..storage import runs_folder
from .arguments import (
    SOURCES,
    Commands,
    add_label_options,
    add_preset,
    non_negative_int,
    positive_int,
    read_named_votes,
)
from .output import print_json, print_notes


def add_commands(commands: Commands) -> None:
    parser = commands.add("train", train, "Train a network.")
    parser.add_argument("--data", metavar="SOURCE", help=SOURCES)
    add_label_options(parser)
    parser.add_argument("--preset", metavar="NAME", help="a name that `presets` lists (default: standard)")
    parser.add_argument(
        "--votes", metavar="CSV", help="FER+ votes for these images (default: fer2013new.csv beside them)"
    )
    parser.add_argument("--epochs", type=positive_int, metavar="N", help="passes over the training images")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="use at most N images of each split")
    parser.add_argument("--batch-size", type=positive_int, metavar="N", help="images per optimizer step")
    parser.add_argument("--learning-rate", type=float, metavar="X", help="maximum learning rate")
    parser.add_argument("--seed", type=int, metavar="N", help="random seed")
    parser.add_argument(
        "--teacher",
        metavar="NAME|PATH",
        help="a model whose probabilities become part of the targets (distillation)",
    )
    parser.add_argument("--precision", choices=("float32", "mixed_bfloat16", "mixed_float16", "auto"))
    parser.add_argument(
        "--start-from",
        metavar="NAME|PATH",
        help="a model whose weights the run starts from (fine-tuning); imagenet for the preset imagenet",
    )
    parser.add_argument(
        "--freeze-until",
        metavar="LAYER",
        help="its layers up to this one keep their weights, such as features",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="any other setting, such as augment.rotation=20; repeatable",
    )
    parser.add_argument(
        "--run-dir", type=Path, metavar="DIR", help="the folder of the run (default: a new one below runs/)"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with the run in DIR after its last finished epoch"
    )
    parser.add_argument(
        "--finish",
        action="store_true",
        help="with --resume: train no further, write the model with the best weights so far",
    )
    parser.add_argument(
        "--workers",
        type=positive_int,
        metavar="N",
        help="processes that share each batch, under JAX (default: one, under Keras' backend)",
    )
    parser.add_argument(
        "--coordinator",
        metavar="HOST:PORT",
        help="with --resume and --workers: where the workers of several machines meet",
    )
    parser.add_argument(
        "--rank",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="index of this worker; 0 is the first",
    )
    parser.add_argument(
        "--queue", action="store_true", help="start it in the background, once the runs beside it have ended"
    )

    parser = commands.add(
        "cross-validate",
        cross_validate,
        "Cross-validate: train a network per fold for out-of-sample probabilities.",
    )
    parser.add_argument("--data", metavar="SOURCE", required=True, help=SOURCES)
    add_label_options(parser)
    add_preset(parser, "another setting of it")
    parser.add_argument("--folds", type=positive_int, default=3, metavar="N")
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="prefix of the run names; repeat it to resume",
    )

    parser = commands.add("speed", speed, "Measure how many images a second this machine trains on.")
    parser.add_argument("--preset", metavar="NAME", help="a name that `presets` lists (default: standard)")
    parser.add_argument(
        "--config", metavar="FILE", help="a run's config.json instead; - reads it from standard input"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="another setting of it; repeatable",
    )


def train(options: argparse.Namespace) -> int:
    if sys.platform == "darwin":  # TensorFlow can hang there when pandas or pyarrow came before it
        import_keras()
    if options.finish and options.resume is None:
        options.usage_error("--finish goes with --resume DIR")
    run = _new_run(options) if options.resume is None else _resumed_run(options)
    if options.queue:
        return _queue(run, options.json)
    if options.workers:
        return _train_together(options, run)
    with lock_run(run):  # at once, so that others see that it is at work
        import_keras()  # only now, so that a mistake is reported at once
        from ..runs.train import train as train_run
        from ..training.logs import ProgressBar

        with ProgressBar(run.path) as bar:
            outcome = train_run(run, bar.update, finish=options.finish)
    return _show_outcome(options, run, outcome)


def _show_outcome(options: argparse.Namespace, run: Any, outcome: str) -> int:
    status = run.status()
    if options.json:
        print_json(
            {
                "run": str(run.path),
                "state": outcome,
                "bundle": str(run.bundle) if run.bundle.exists() else None,
                "epochs": len(run.history()),
                "best_epoch": status.get("best_epoch"),
                "best_validation_accuracy": status.get("best_accuracy"),
            }
        )
    elif run.bundle.exists():
        print(
            f"{outcome}: best validation accuracy {status['best_accuracy']:.1%} in epoch "
            f"{status['best_epoch']}; model in {run.bundle}"
        )
    else:
        print(f"{outcome} before the first epoch was finished; go on with train --resume {run.path}")
    return 0


def _train_together(options: argparse.Namespace, run: Any) -> int:
    """Start the workers of a run, or be one of them."""
    from ..runs import worker_processes
    from ..training import workers

    workers.check_installed()
    if options.coordinator is None:
        workers.Workers.check_batch_size(run.config().train.batch_size, options.workers)
        return worker_processes.train_with_workers(run, options.workers, options.finish, options.json)
    worker_processes.follow_parent()
    with worker_processes.worker_folder(run, options.rank) as folder, lock_run(folder):
        own = workers.JaxWorkers(options.workers, options.rank, options.coordinator)
        import_keras()
        from ..runs.train import train as train_run
        from ..training.logs import ProgressBar

        with ProgressBar(folder.path) as bar:
            outcome = train_run(folder, bar.update, finish=options.finish, workers=own)
    return _show_outcome(options, run, outcome)


def _queue(run: Any, as_json: bool) -> int:
    from ..runs.queue import submit

    started = submit(run)
    if as_json:
        print_json({"run": str(run.path), "state": "starting" if started else "queued"})
    else:
        print(f"{run.path} {'has been started in the background' if started else 'waits in the queue'}")
    return 0


def _new_run(options: argparse.Namespace) -> Any:
    from ..bundles.bundle import find_bundle
    from ..data import open_dataset
    from ..presets import DEFAULT_PRESET, find_preset
    from ..runs.run_folder import RunFolder, create_run

    if options.data is None:
        options.usage_error(
            "train needs --data SOURCE (or --resume DIR): for a first try take --data synthetic"
        )
    preset = find_preset(options.preset or DEFAULT_PRESET)
    config = (
        preset.config.override("data", source=options.data, limit=options.limit, votes=options.votes)
        .override(
            "train",
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            seed=options.seed,
            precision=options.precision,
            teacher=options.teacher,
            start_from=options.start_from,
            freeze_until=options.freeze_until,
        )
        .with_settings(options.set)
    )
    dataset = open_dataset(options.data)  # a source that cannot be read must not leave a run behind
    for split in ("train", "validation"):
        dataset.labelled_indices(split)
    print_notes(dataset)
    if options.votes:
        read_named_votes(options, dataset)
        if not config.train.votes_weight and "not a face" not in config.data.drop:
            print(
                f"note: {preset.name} learns from labels alone, without --votes; --set train.votes_weight=1 "
                "uses them",
                file=sys.stderr,
            )
    if options.teacher and config.train.teacher:
        find_bundle(config.train.teacher)
    keep_teacher = options.teacher is not None
    if options.run_dir:
        run = RunFolder(options.run_dir)
        run.create(config, keep_teacher=keep_teacher)
    else:
        run = create_run(runs_folder(), config, keep_teacher=keep_teacher)
    if config.train.teacher and not run.config().train.teacher:
        print(
            f"note: {config.train.teacher}, which teaches {preset.name}, was trained on other data than "
            f"{options.data}, so this run learns without a teacher; --teacher NAME keeps one",
            file=sys.stderr,
        )
    if config.train.votes_weight and not run.config().train.votes_weight:
        print(
            f"note: no fer2013new.csv beside {options.data}, so this run learns from the labels alone",
            file=sys.stderr,
        )
    return run


def _resumed_run(options: argparse.Namespace) -> Any:
    from ..runs.run_folder import open_run

    run = open_run(options.resume)
    config = run.config()
    started_with = {
        "data": config.data.source,
        "limit": config.data.limit,
        "votes": config.data.votes,
        "precision": config.train.precision,
        "teacher": config.train.teacher,
        "start_from": config.train.start_from,
        "freeze_until": config.train.freeze_until,
        "preset": config.preset,
        "epochs": config.train.epochs,
        "batch_size": config.train.batch_size,
        "learning_rate": config.train.learning_rate,
        "seed": config.train.seed,
        "run_dir": options.run_dir
        if options.run_dir and options.run_dir.resolve() == run.path.resolve()
        else run.path,
    }
    # A script may repeat its whole command and add --resume: values that agree are fine.
    differ = [name for name, value in started_with.items() if getattr(options, name) not in (None, value)]
    if options.precision == "auto" and "precision" in differ:  # was resolved when the run began
        differ.remove("precision")
    for name, value in (
        ("votes", config.data.votes),
        ("teacher", config.train.teacher),
        ("start_from", config.train.start_from),
    ):
        if name in differ and value and Path(getattr(options, name)).resolve() == Path(value).resolve():
            differ.remove(name)
    if "data" in differ and Path(options.data).resolve() == Path(config.data.source).resolve():
        differ.remove("data")
    if options.set and config != config.with_settings(options.set):
        differ.append("set")
    if differ:
        flags = ", ".join("--" + name.replace("_", "-") for name in differ)
        raise FerError(
            f"The run in {run.path} was started with other settings: leave {flags} out, or start a new run."
        )
    return run


def speed(options: argparse.Namespace) -> None:
    from ..presets import DEFAULT_PRESET, find_preset
    from ..runs.speed import measure, multiply_adds

    if options.config:
        base = (
            RunConfig.parse(json.load(sys.stdin))
            if options.config == "-"
            else RunConfig.load(Path(options.config))
        )
    else:
        base = find_preset(options.preset or DEFAULT_PRESET).config
    config = base.with_settings(options.set)
    work = multiply_adds(config)
    import_keras()
    rate = measure(config)
    if options.json:
        return print_json({"preset": config.preset, "images_per_second": rate, "multiply_adds": work})
    print(
        f"{rate:,.0f} images a second with {work:,} multiply-adds an image; FER2013's 28,709 training images "
        f"take {28_709 / rate:,.0f} s"
    )


def cross_validate(options: argparse.Namespace) -> None:
    from ..data import open_dataset
    from ..presets import DEFAULT_PRESET, find_preset
    from ..runs.cross_validate import cross_validate as validate

    if options.folds < 2:
        raise FerError(f"{options.folds} fold: expected 2 at least, since each is left out once.")
    preset = find_preset(options.preset or DEFAULT_PRESET)
    config = preset.config.override("data", source=options.data).with_settings(options.set)
    dataset = open_dataset(options.data)
    print_notes(dataset)
    fingerprint = dataset.fingerprint
    name = options.name or f"{preset.name}-{fingerprint[:8]}"

    def show(fold: int, run: Any) -> None:
        print(f"fold {fold + 1} of {options.folds}: {run.path}", file=sys.stderr)

    accuracy = validate(config, runs_folder(), name, options.folds, show)
    if options.json:
        return print_json(
            {"accuracy": accuracy, "folds": options.folds, "name": name, "fingerprint": fingerprint}
        )
    print(
        f"accuracy out of sample {accuracy:.2%} over {options.folds} folds; the probabilities are saved for "
        "label issues"
    )
