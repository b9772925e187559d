"""Commands that train: train, bundle, speed."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..errors import FerError
from ..native_output import import_keras
from ..storage import runs_folder
from ..training.holding import held
from .output import print_json, read_named_votes


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
    with held(run):  # at once, so that others see that it lives
        import_keras()  # only now, so that a mistake is told at once
        from ..training.progress_bar import ProgressBar
        from ..training.trainer import train as train_run

        with ProgressBar(run) as bar:
            outcome = train_run(run, bar.update, finish=options.finish)
    return _told(options, run, outcome)


def _told(options: argparse.Namespace, run: Any, outcome: str) -> int:
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
            f"{outcome}: best validation accuracy {status['best_accuracy']:.1%} in epoch {status['best_epoch']}; model in {run.bundle}"
        )
    else:
        print(f"{outcome} before the first epoch was finished; go on with train --resume {run.path}")
    return 0


def _train_together(options: argparse.Namespace, run: Any) -> int:
    """Start the workers of a run, or be one of them."""
    from ..training import crew, crew_process

    crew.check_installed()
    if options.coordinator is None:
        crew.Crew.check_batch(run.config().train.batch_size, options.workers)
        return crew_process.run_crew(run, options.workers, options.finish, options.json)
    crew_process.follow_parent()
    with crew_process.folder_of(run, options.rank) as folder, held(folder):
        together = crew.JaxCrew(options.workers, options.rank, options.coordinator)
        import_keras()
        from ..training.progress_bar import ProgressBar
        from ..training.trainer import train as train_run

        with ProgressBar(folder) as bar:
            outcome = train_run(folder, bar.update, finish=options.finish, crew=together)
    return _told(options, run, outcome)


def _queue(run: Any, as_json: bool) -> int:
    from ..training.run_queue import submit

    started = submit(run)
    if as_json:
        print_json({"run": str(run.path), "state": "starting" if started else "queued"})
    else:
        print(f"{run.path} {'has been started in the background' if started else 'waits in the queue'}")
    return 0


def _new_run(options: argparse.Namespace) -> Any:
    from ..bundle import find_bundle
    from ..data import open_dataset
    from ..presets import DEFAULT_PRESET, find_preset
    from ..training.run_folder import RunFolder, new_run_folder

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
    if options.votes:
        read_named_votes(options, dataset)
        if not config.train.votes_weight and "not a face" not in config.data.drop:
            print(
                f"note: {preset.name} learns from labels alone, without --votes; --set train.votes_weight=1 uses them",
                file=sys.stderr,
            )
    for model in filter(None, (config.train.teacher if options.teacher else None, config.train.start_from)):
        find_bundle(model)
    run = RunFolder(options.run_dir) if options.run_dir else new_run_folder(runs_folder(), preset.name)
    run.create(config, keep_teacher=options.teacher is not None)
    if config.train.teacher and not run.config().train.teacher:
        print(
            f"note: {config.train.teacher}, which teaches {preset.name}, was trained on other data than {options.data}, so this run learns "
            "without a teacher; --teacher NAME keeps one",
            file=sys.stderr,
        )
    if config.train.votes_weight and not run.config().train.votes_weight:
        print(
            f"note: no fer2013new.csv beside {options.data}, so this run learns from the labels alone",
            file=sys.stderr,
        )
    return run


def _resumed_run(options: argparse.Namespace) -> Any:
    from ..training.run_folder import open_run

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
    # A script may repeat its whole command and add --resume: values that agree are no contradiction.
    differ = [name for name, value in started_with.items() if getattr(options, name) not in (None, value)]
    if options.precision == "auto" and "precision" in differ:  # was settled when the run began
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
        given = ", ".join("--" + name.replace("_", "-") for name in differ)
        raise FerError(
            f"The run in {run.path} was started with other settings: leave {given} out, or start a new run."
        )
    return run


def bundle(options: argparse.Namespace) -> None:
    from ..bundle import find_bundle, read_bundle
    from ..config import BundleConfig
    from ..data import open_dataset
    from ..training.keeping import check_name
    from ..training.repeat import repeatable_path

    check_name(options.name)
    bundles = [find_bundle(run) for run in options.runs]
    dataset = open_dataset(options.data)
    votes = (
        read_named_votes(options, dataset)
        if any(bundle.card.get("truth") == "votes" for bundle in bundles)
        else None
    )
    try:
        config = BundleConfig.model_validate(bundles[0].card.get("config", {}).get("bundle", {}))
    except ValueError:
        raise FerError(
            f"The card of {bundles[0].path} is damaged: its config has no valid bundle settings."
        ) from None
    given = {"mirror": options.mirror, "zoom": options.zoom, "quantisation": options.quantisation}
    config = config.model_copy(update={key: value for key, value in given.items() if value is not None})
    import_keras()
    from ..release.assemble import assemble

    out = options.out.resolve()  # "." has no name of its own
    models = [repeatable_path(given) for given in options.runs]
    words = [
        *models,
        "--data",
        Path(options.data).name,
        "--name",
        options.name,
        "--out",
        repeatable_path(str(options.out)),
    ]
    words += ["--mirror" if config.mirror else "--no-mirror", "--zoom" if config.zoom else "--no-zoom"]
    words += ["--quantisation", config.quantisation] + (
        ["--votes", Path(options.votes).name] if options.votes else []
    )
    command = "python -m fer_core bundle " + shlex.join(words)
    trained = bundles[0].card.get("command")
    if (
        len(bundles) == 1 and trained
    ):  # else its training would stand nowhere; the card of an ensemble has a command for each network
        command = f"{trained} && {command}"
    assemble(bundles, dataset, out, name=options.name, settings=config, votes=votes, command=command)
    card = read_bundle(options.out).card
    size = (options.out / "model.tflite").stat().st_size
    validation = card["figures"]["validation"]
    if options.json:
        return print_json(
            {
                "bundle": str(options.out),
                "networks": max(1, len(card["members"])),
                "inference_bytes": size,
                "temperature": card["temperature"],
                "validation_accuracy": validation["accuracy"],
                "validation_calibration_error": validation["calibration_error"],
                "steps": card["steps"],
            }
        )
    print(
        f"{options.out}: {max(1, len(card['members']))} network(s), {size:,} bytes, validation accuracy {validation['accuracy']:.2%}, "
        f"calibration error {validation['calibration_error']:.2%}, temperature {card['temperature']:.3f}"
    )


def speed(options: argparse.Namespace) -> None:
    from ..presets import DEFAULT_PRESET, find_preset
    from ..training.speed import measure, multiply_adds

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
        f"{rate:,.0f} images a second with {work:,} multiply-adds an image; FER2013's 28,709 training images take {28_709 / rate:,.0f} s"
    )


def cross_validate(options: argparse.Namespace) -> None:
    from ..data import open_dataset
    from ..presets import DEFAULT_PRESET, find_preset
    from ..training.cross_validate import cross_validate as validate

    if options.folds < 2:
        raise FerError(f"{options.folds} fold: expected 2 at least, since each is left out once.")
    preset = find_preset(options.preset or DEFAULT_PRESET)
    config = preset.config.override("data", source=options.data).with_settings(options.set)
    fingerprint = open_dataset(options.data).fingerprint
    name = options.name or f"{preset.name}-{fingerprint[:8]}"

    def tell(fold: int, run: Any) -> None:
        print(f"fold {fold + 1} of {options.folds}: {run.path}", file=sys.stderr)

    accuracy = validate(config, runs_folder(), name, options.folds, tell)
    if options.json:
        return print_json(
            {"accuracy": accuracy, "folds": options.folds, "name": name, "fingerprint": fingerprint}
        )
    print(
        f"accuracy out of sample {accuracy:.2%} over {options.folds} folds; the probabilities are kept for label issues"
    )
