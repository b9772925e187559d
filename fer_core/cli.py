"""`python -m fer_core`: everything that the app does, from the shell.

Exit status 0; 1 with one sentence on stderr for an error of the user's; 2 for wrong usage. Under --json nothing but JSON
comes on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from . import __version__
from .errors import FerError
from .native_output import import_keras


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status = options.run(options)
    except FerError as error:
        return _fail(str(error))
    except MemoryError:
        return _fail("There is not enough memory for this.")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:  # a full disk, a folder without permission
        return _fail(f"{error.filename or 'The system'}: {error.strerror or error}.")
    return int(status or 0)


def _fail(message: str) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fer_core", description="Facial expression recognition on FER2013-style data.")
    parser.add_argument("--version", action="version", version=f"fer_core {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sources = "a file (CSV, zip, parquet, npz), a folder, synthetic[:N[:SEED]] or kaggle:OWNER/NAME"
    models = "a shipped model's name, a bundle folder or a run folder (left out: the shipped default)"

    def command(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run, usage_error=sub.error)
        sub.add_argument("--json", action="store_true", help="print JSON and nothing else on stdout")
        return sub

    data = command("data", _data, "Say what a data source holds.")
    data.add_argument("source", metavar="SOURCE", help=sources)

    command("presets", _presets, "List the presets: a network with its training settings.")
    models_command = command("models", _models, "List the shipped models, or show the card of one.")
    models_command.add_argument("model", nargs="?", metavar="NAME|PATH", help="the model whose card is shown")

    train = command("train", _train, "Train a network.")
    train.add_argument("--data", metavar="SOURCE", help=sources)
    train.add_argument("--preset", metavar="NAME", help="a name that `presets` lists (default: standard)")
    train.add_argument("--votes", metavar="CSV", help="FER+ votes for these images (default: fer2013new.csv beside them)")
    train.add_argument("--epochs", type=_positive, metavar="N")
    train.add_argument("--limit", type=_positive, metavar="N", help="use at most N images of each split")
    train.add_argument("--batch-size", type=_positive, metavar="N")
    train.add_argument("--learning-rate", type=float, metavar="X")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument("--teacher", metavar="NAME|PATH", help="a model whose probabilities become part of the targets (distillation)")
    train.add_argument("--precision", choices=("float32", "mixed_bfloat16", "mixed_float16", "auto"))
    train.add_argument("--run-dir", type=Path, metavar="DIR", help="the folder of the run (default: a new one below runs/)")
    train.add_argument("--resume", type=Path, metavar="DIR", help="go on with the run in DIR after its last finished epoch")

    evaluate = command("evaluate", _evaluate, "Score a model on labelled images.")
    evaluate.add_argument("--model", metavar="NAME|PATH", help=models)
    evaluate.add_argument("--data", metavar="SOURCE", required=True, help=sources)
    evaluate.add_argument("--split", choices=("test", "validation", "train"), default="test")
    evaluate.add_argument(
        "--truth", choices=("labels", "votes"), help="votes: what most FER+ voters chose (default: as the model was trained)"
    )
    evaluate.add_argument("--votes", metavar="CSV", help="the FER+ votes (default: fer2013new.csv beside the data)")
    evaluate.add_argument(
        "--tta",
        choices=("none", "flip", "off"),
        default="none",
        help="flip: average over each image and its mirror image; off: one view, without the others that a model has inside",
    )
    evaluate.add_argument("--save", action="store_true", help="write the figures into a shipped model's card too")

    bundle = command("bundle", _bundle, "Bundle finished runs anew: one with other settings, or several as an ensemble.")
    bundle.add_argument("runs", nargs="+", metavar="RUN", help="folders of finished runs, or of bundles")
    bundle.add_argument(
        "--data", metavar="SOURCE", required=True, help="what they were trained on; the temperature is fitted on its validation split"
    )
    bundle.add_argument("--votes", metavar="CSV", help="the FER+ votes (default: fer2013new.csv beside the data)")
    bundle.add_argument("--name", required=True, metavar="NAME")
    bundle.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the new bundle")
    bundle.add_argument("--mirror", action=argparse.BooleanOptionalAction, help="average over each image and its mirror image")
    bundle.add_argument("--zoom", action=argparse.BooleanOptionalAction, help="average over the enlarged middle of each image too")
    bundle.add_argument("--quantisation", choices=("none", "float16", "int8"), help="weights of the inference file")

    predict = command("predict", _predict, "Find and classify the faces on photos.")
    predict.add_argument("--model", metavar="NAME|PATH", help=models)
    predict.add_argument("images", nargs="+", metavar="IMAGE")
    predict.add_argument("--no-detect", action="store_true", help="take each whole picture as one face")

    export = command("export", _export, "Write a model to a file for other programs.")
    export.add_argument("--model", metavar="NAME|PATH", help=models)
    export.add_argument("--format", choices=("keras", "litert", "onnx"), required=True)
    export.add_argument("--out", type=Path, required=True, metavar="PATH")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


# --- data, presets, models ---------------------------------------------------------------------------------------------


def _data(options: argparse.Namespace) -> None:
    from .data import open_dataset

    dataset = open_dataset(options.source)
    summary = {
        "source": options.source, "format": dataset.format, "count": len(dataset), "splits": dataset.counts(),
        "image_shape": list(dataset.image_shape), "fingerprint": dataset.fingerprint, "warnings": list(dataset.warnings),
    }  # fmt: skip
    if options.json:
        return _print_json(summary)
    print(f"{options.source}: {dataset.format}, {len(dataset):,} images of 48x48, fingerprint {dataset.fingerprint}")
    counts = dataset.counts()
    names = [n for n in (*dataset.label_names, "unlabelled") if any(n in c for c in counts.values())]
    rows = [[name, *(f"{c.get(name, 0):,}" for c in counts.values())] for name in names]
    rows.append(["all", *(f"{sum(c.values()):,}" for c in counts.values())])
    print(_table(["", *counts], rows))
    for warning in dataset.warnings:
        print(f"note: {warning}")


def _presets(options: argparse.Namespace) -> None:
    from .presets import PRESETS, card

    cards = [card(preset) for preset in PRESETS.values()]
    if options.json:
        return _print_json(cards)
    rows = [[c["name"], str(c["config"]["train"]["epochs"]), c["claim"] or "-", _measured(c["measured"]), c["data_form"]] for c in cards]
    print(_table(["preset", "epochs", "claimed", "measured on PrivateTest", "data form"], rows))


def _measured(measured: dict[str, Any] | None) -> str:
    if not measured:
        return "-"
    low, high = measured["accuracy_ci95"]
    against = ", against FER+ voters" if measured["truth"] == "votes" else ""
    return f"{measured['accuracy']:.1%} ({low:.1%} to {high:.1%}), {measured['epochs']} epochs{against}"


def _models(options: argparse.Namespace) -> None:
    from .bundle import find_bundle, shipped

    if options.model is not None:
        from .release.model_card import markdown

        card = find_bundle(options.model).card
        return _print_json(card) if options.json else print(markdown(card), end="")
    entries = []
    for i, bundle in enumerate(shipped()):
        figures = bundle.card.get("figures", {})
        test = figures.get("test", {})
        entries.append({
            "name": bundle.path.name, "default": i == 0, "path": str(bundle.path), "preset": bundle.card.get("preset"),
            "labels": list(bundle.labels), "truth": bundle.card.get("truth", "labels"), "parameters": bundle.card.get("parameters"),
            "multiply_adds": bundle.card.get("multiply_adds"),
            "inference_bytes": bundle.inference_file.stat().st_size if bundle.inference_file.is_file() else None,
            "test_accuracy": test.get("accuracy"), "test_accuracy_ci95": test.get("accuracy_ci95"),
            "test_accuracy_without_leaked": test.get("accuracy_without_leaked"),
            "validation_accuracy": figures.get("validation", {}).get("accuracy"),
            "validation_calibration_error": figures.get("validation", {}).get("calibration_error"),
        })  # fmt: skip
    if options.json:
        return _print_json(entries)
    rows = []
    for e in entries:
        accuracy = "-" if e["test_accuracy"] is None else "{:.1%} ({:.1%} to {:.1%})".format(e["test_accuracy"], *e["test_accuracy_ci95"])
        name = e["name"] + (" (default)" if e["default"] else "")
        rows.append([name, f"{e['parameters'] or 0:,}", f"{(e['inference_bytes'] or 0) / 1000:,.0f} kB", accuracy, e["truth"]])
    print(_table(["model", "parameters", "file", "accuracy on its test split", "against"], rows) if rows else "No models are shipped.")


# --- train -------------------------------------------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> int:
    if sys.platform == "darwin":  # TensorFlow can hang there when pandas or pyarrow came before it
        import_keras()
    run = _new_run(options) if options.resume is None else _resumed_run(options)
    import_keras()  # only now elsewhere, so that a mistake is told at once
    from .training.progress_bar import ProgressBar
    from .training.trainer import train

    with ProgressBar(run) as bar:
        outcome = train(run, bar.update)
    status = run.status()
    if options.json:
        _print_json({"run": str(run.path), "state": outcome, "bundle": str(run.bundle) if run.bundle.exists() else None,
                     "epochs": len(run.history()), "best_epoch": status.get("best_epoch"),
                     "best_validation_accuracy": status.get("best_accuracy")})  # fmt: skip
    elif run.bundle.exists():
        print(f"{outcome}: best validation accuracy {status['best_accuracy']:.1%} in epoch {status['best_epoch']}; model in {run.bundle}")
    else:
        print(f"{outcome} before the first epoch was finished; go on with train --resume {run.path}")
    return 0


def _new_run(options: argparse.Namespace) -> Any:
    from .bundle import find_bundle
    from .data import open_dataset
    from .presets import DEFAULT_PRESET, find_preset
    from .training.run_folder import RunFolder, new_run_folder

    if options.data is None:
        options.usage_error("train needs --data SOURCE (or --resume DIR): for a first try take --data synthetic")
    preset = find_preset(options.preset or DEFAULT_PRESET)
    config = preset.config.override("data", source=options.data, limit=options.limit, votes=options.votes).override(
        "train", epochs=options.epochs, batch_size=options.batch_size, learning_rate=options.learning_rate, seed=options.seed,
        precision=options.precision, teacher=options.teacher,
    )  # fmt: skip
    dataset = open_dataset(options.data)  # a source that cannot be read must not leave a run behind
    for split in ("train", "validation"):
        dataset.labelled_indices(split)
    if options.votes:
        _read_votes(options, dataset)
    if options.teacher:
        find_bundle(options.teacher)
    run = RunFolder(options.run_dir) if options.run_dir else new_run_folder(Path("runs"), preset.name)
    run.create(config)
    if config.train.votes_weight and not run.config().train.votes_weight:
        print(f"note: no fer2013new.csv beside {options.data}, so this run learns from the labels alone", file=sys.stderr)
    return run


def _resumed_run(options: argparse.Namespace) -> Any:
    from .training.run_folder import open_run

    run = open_run(options.resume)
    config = run.config()
    started_with = {
        "data": config.data.source,
        "limit": config.data.limit,
        "votes": config.data.votes,
        "precision": config.train.precision,
        "teacher": config.train.teacher,
        "preset": config.preset,
        "epochs": config.train.epochs,
        "batch_size": config.train.batch_size,
        "learning_rate": config.train.learning_rate,
        "seed": config.train.seed,
        "run_dir": options.run_dir if options.run_dir and options.run_dir.resolve() == run.path.resolve() else run.path,
    }
    # A script may repeat its whole command and add --resume: values that agree are no contradiction.
    differ = [name for name, value in started_with.items() if getattr(options, name) not in (None, value)]
    if options.precision == "auto" and "precision" in differ:  # was settled when the run began
        differ.remove("precision")
    for name, value in (("votes", config.data.votes), ("teacher", config.train.teacher)):
        if name in differ and value and Path(getattr(options, name)).resolve() == Path(value).resolve():
            differ.remove(name)
    if "data" in differ and Path(options.data).resolve() == Path(config.data.source).resolve():
        differ.remove("data")
    if differ:
        given = ", ".join("--" + name.replace("_", "-") for name in differ)
        raise FerError(f"The run in {run.path} was started with other settings: leave {given} out, or start a new run.")
    return run


# --- evaluate, predict, export -----------------------------------------------------------------------------------------


def _evaluate(options: argparse.Namespace) -> None:
    from .bundle import find_bundle
    from .data import open_dataset
    from .evaluation.metrics import figures
    from .evaluation.scoring import score, test_uses

    bundle = find_bundle(options.model)
    dataset = open_dataset(options.data)
    truth = options.truth or bundle.card.get("truth", "labels")
    votes = _read_votes(options, dataset) if truth == "votes" else None
    result = score(bundle, dataset, options.split, options.tta, votes=votes, save=options.save or None).evaluation
    if options.json:
        head = {
            "model": bundle.name,
            "source": options.data,
            "split": options.split,
            "tta": options.tta,
            "truth": truth,
            "fingerprint": dataset.fingerprint,
        }
        return _print_json(head | figures(result))
    low, high = result.accuracy_ci95
    against = " on which FER+ voters agree" if votes else ""
    print(f"{bundle.name} on {options.split} of {options.data}: {result.count:,} images{against}")
    print(f"accuracy  {result.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%})")
    if result.leaked:
        print(f"          {result.accuracy_without_leaked:.2%}  without the {result.leaked:,} images that also stand in train")
    print(f"macro F1  {result.macro_f1:.3f}")
    print(f"expected calibration error  {result.calibration_error:.2%}")
    if options.split == "test":
        print(f"The test split of these data has been used {test_uses(dataset):,} times on this machine: choose models on validation.")
    print()
    rows = [[n, f"{f.precision:.1%}", f"{f.recall:.1%}", f"{f.f1:.3f}", f"{f.support:,}"] for n, f in result.per_class.items()]
    print(_table(["class", "precision", "recall", "F1", "support"], rows))
    print("\nconfusion matrix (rows true, columns predicted)")
    print(_table(["", *result.labels], [[n, *map(str, row)] for n, row in zip(result.labels, result.confusion_matrix, strict=True)]))


def _read_votes(options: argparse.Namespace, dataset: Any) -> Any:
    from .data.votes import FILE_NAME, find_votes, read_votes

    path = options.votes or find_votes(options.data)
    if path is None:
        raise FerError(f"There are no FER+ votes beside {options.data}: put {FILE_NAME} there or name it with --votes.")
    return read_votes(path, dataset)


def _bundle(options: argparse.Namespace) -> None:
    from .bundle import find_bundle, read_bundle
    from .config import BundleConfig
    from .data import open_dataset

    bundles = [find_bundle(run) for run in options.runs]
    dataset = open_dataset(options.data)
    votes = _read_votes(options, dataset) if any(bundle.card.get("truth") == "votes" for bundle in bundles) else None
    try:
        config = BundleConfig.model_validate(bundles[0].card.get("config", {}).get("bundle", {}))
    except ValueError:
        raise FerError(f"The card of {bundles[0].path} is damaged: its config has no valid bundle settings.") from None
    given = {"mirror": options.mirror, "zoom": options.zoom, "quantisation": options.quantisation}
    config = config.model_copy(update={key: value for key, value in given.items() if value is not None})
    import_keras()
    from .release.assemble import assemble

    out = options.out.resolve()
    words = [*(bundle.name for bundle in bundles), "--data", Path(options.data).name, "--name", options.name, "--out", out.name]
    words += ["--mirror" if config.mirror else "--no-mirror", "--zoom" if config.zoom else "--no-zoom"]
    words += ["--quantisation", config.quantisation] + (["--votes", Path(options.votes).name] if options.votes else [])
    command = "python -m fer_core bundle " + shlex.join(words)
    assemble(bundles, dataset, out, name=options.name, settings=config, votes=votes, command=command)
    card = read_bundle(options.out).card
    size = (options.out / "model.tflite").stat().st_size
    validation = card["figures"]["validation"]
    if options.json:
        return _print_json({"bundle": str(options.out), "networks": max(1, len(card["members"])), "inference_bytes": size,
                            "temperature": card["temperature"], "validation_accuracy": validation["accuracy"],
                            "validation_calibration_error": validation["calibration_error"], "steps": card["steps"]})  # fmt: skip
    print(f"{options.out}: {max(1, len(card['members']))} network(s), {size:,} bytes, validation accuracy {validation['accuracy']:.2%}, "
          f"calibration error {validation['calibration_error']:.2%}, temperature {card['temperature']:.3f}")  # fmt: skip


def _predict(options: argparse.Namespace) -> int:
    from .inference import Predictor

    predictor = Predictor(options.model)
    results = []
    for file in options.images:
        result: dict[str, Any] = {"file": file, "faces": [], "error": None}
        try:
            result["faces"] = [face.as_json() for face in predictor.predict(Path(file), detect=not options.no_detect)]
        except FerError as error:
            result["error"] = " ".join(str(error).split())
        results.append(result)
    if options.json:
        _print_json(results)
    elif any(not result["error"] for result in results):
        for result in results:
            _print_faces(result)
    failed = [r["error"] for r in results if r["error"]]
    if len(failed) == len(results):
        return _fail(failed[0])
    return 0


def _print_faces(result: dict[str, Any]) -> None:
    if result["error"]:
        print(result["error"], file=sys.stderr)
    elif not result["faces"]:
        print(f"{result['file']}: no face found (try --no-detect for a picture that is one face)")
    for face in result["faces"]:
        first = sorted(face["probabilities"].items(), key=lambda item: -item[1])[:3]
        print(f"{result['file']}: {', '.join(f'{name} {p:.0%}' for name, p in first)}, box {face['box']}")


def _export(options: argparse.Namespace) -> None:
    from .bundle import find_bundle
    from .export import export

    start = time.monotonic()
    bundle = find_bundle(options.model)
    export(bundle, options.format, options.out)
    size = options.out.stat().st_size
    if options.json:
        return _print_json({"model": bundle.name, "format": options.format, "out": str(options.out), "bytes": size})
    print(f"{options.out}: {bundle.name} as {options.format}, {size:,} bytes, in {time.monotonic() - start:.1f} s")


def _table(header: list[str], rows: list[list[str]]) -> str:
    """Text columns: the first to the left, numbers to the right."""
    table = [header, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))) for row in table
    ]
    return "\n".join(lines)
