"""The commands presets, models, bundle and export."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FerError, ModelError
from ..keras_import import import_keras
from ..wording import plural
from .arguments import MODELS, Commands, add_label_options, read_named_votes
from .output import print_json, table

if TYPE_CHECKING:
    from ..bundles.bundle import Bundle


def add_commands(commands: Commands) -> None:
    commands.add("presets", presets, "List the presets: a network with its training settings.")

    parser = commands.add("models", models, "List the shipped models, or show the card of one.")
    parser.add_argument("model", nargs="?", metavar="NAME|PATH", help="the model whose card is shown")

    parser = commands.add(
        "bundle",
        bundle,
        "Rebuild a bundle from finished runs, or combine several into an ensemble.",
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of finished runs, or of bundles")
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        required=True,
        help="training data; the temperature is fitted on its validation split",
    )
    add_label_options(parser)
    parser.add_argument(
        "--votes", metavar="CSV", help="the FER+ votes (default: fer2013new.csv beside the data)"
    )
    parser.add_argument("--name", required=True, metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the new bundle")
    parser.add_argument(
        "--mirror", action=argparse.BooleanOptionalAction, help="average over each image and its mirror image"
    )
    parser.add_argument(
        "--zoom",
        action=argparse.BooleanOptionalAction,
        help="average over the enlarged middle of each image too",
    )
    parser.add_argument(
        "--quantisation", choices=("none", "float16", "int8"), help="weights of the inference file"
    )

    parser = commands.add("export", export, "Write a model to a file for other programs.")
    parser.add_argument("--model", metavar="NAME|PATH", help=MODELS)
    parser.add_argument("--format", choices=("keras", "litert", "onnx"), required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="PATH")


def presets(options: argparse.Namespace) -> None:
    from ..presets import PRESETS, card

    cards = [card(preset) for preset in PRESETS.values()]
    if options.json:
        return print_json(cards)
    rows = [
        [
            c["name"],
            str(c["config"]["train"]["epochs"]),
            c["claim"] or "-",
            *_measured(c["measured"]),
            c["data_form"],
        ]
        for c in cards
    ]
    print(
        table(
            [
                "preset",
                "epochs",
                "claimed",
                "measured on PrivateTest",
                "without copies",
                "macro F1",
                "trained",
                "data form",
            ],
            rows,
        )
    )


def _measured(measured: dict[str, Any] | None) -> list[str]:
    if not measured:
        return ["-"] * 4
    low, high = measured["accuracy_ci95"]
    against = " against FER+ voters" if measured["truth"] == "votes" else ""
    epochs = (
        f"{measured['networks']} x {measured['epochs']}"
        if measured["networks"] > 1
        else str(measured["epochs"])
    )
    return [
        f"{measured['accuracy']:.1%} ({low:.1%} to {high:.1%}){against}",
        _hundred(measured["accuracy_without_leaked"]),
        f"{measured['macro_f1']:.3f}",
        f"{epochs} epochs",
    ]


def models(options: argparse.Namespace) -> None:
    from ..bundles.bundle import find_bundle, shipped

    if options.model is not None:
        from ..bundles.model_card import layers_markdown, markdown

        card = find_bundle(options.model).card
        return print_json(card) if options.json else print(markdown(card) + layers_markdown(card), end="")
    entries = [_entry(bundle) | {"default": i == 0} for i, bundle in enumerate(shipped())]
    if options.json:
        return print_json(entries)
    if not entries:
        return print("No models are shipped.")
    head = [
        "model",
        "against",
        "test",
        "without copies",
        "validation",
        "calibration error",
        "parameters",
        "file",
        "one image",
    ]
    print(table(head, [_row(entry) for entry in entries]))
    print(
        "\ntest: PrivateTest, with its 95% interval; calibration error: on validation; one image: "
        "on this machine, one thread"
    )


def _entry(bundle: Bundle) -> dict[str, Any]:
    """Return the figures on the card of a model, None where it is damaged, and the latency on this
    machine."""
    from ..bundles.card_values import as_dict, as_float, as_int, interval

    test, validation = (as_dict(as_dict(bundle.card, "figures"), split) for split in ("test", "validation"))
    bounds = interval(test.get("accuracy_ci95"))
    return {
        "name": bundle.path.name,
        "path": str(bundle.path),
        "preset": bundle.card.get("preset"),
        "labels": list(bundle.labels),
        "truth": bundle.card.get("truth", "labels"),
        "parameters": as_int(bundle.card.get("parameters")),
        "multiply_adds": as_int(bundle.card.get("multiply_adds")),
        "inference_bytes": bundle.inference_file.stat().st_size if bundle.inference_file.is_file() else None,
        "milliseconds": _milliseconds(bundle),
        "test_accuracy": as_float(test.get("accuracy")),
        "test_accuracy_ci95": list(bounds) if bounds else None,
        "test_accuracy_without_leaked": as_float(test.get("accuracy_without_leaked")),
        "validation_accuracy": as_float(validation.get("accuracy")),
        "validation_calibration_error": as_float(validation.get("calibration_error")),
    }


def _row(entry: dict[str, Any]) -> list[str]:
    between = (
        " ({:.1%} to {:.1%})".format(*entry["test_accuracy_ci95"]) if entry["test_accuracy_ci95"] else ""
    )
    return [
        entry["name"] + (" (default)" if entry["default"] else ""),
        str(entry["truth"]),
        _hundred(entry["test_accuracy"]) + between,
        _hundred(entry["test_accuracy_without_leaked"]),
        _hundred(entry["validation_accuracy"]),
        _hundred(entry["validation_calibration_error"]),
        f"{entry['parameters'] or 0:,}",
        f"{(entry['inference_bytes'] or 0) / 1000:,.0f} kB",
        "-" if entry["milliseconds"] is None else f"{entry['milliseconds']:.2f} ms",
    ]


def _milliseconds(bundle: Bundle) -> float | None:
    from ..evaluation.latency import latency

    try:
        return latency(bundle)
    except ModelError:  # no inference file, or a damaged one
        return None


def _hundred(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def bundle(options: argparse.Namespace) -> None:
    from ..bundles.bundle import find_bundle, read_bundle
    from ..config import BundleConfig
    from ..data import open_dataset
    from ..runs.command import repeatable_path
    from ..runs.manage import check_name

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
    overrides = {"mirror": options.mirror, "zoom": options.zoom, "quantisation": options.quantisation}
    config = config.model_copy(update={key: value for key, value in overrides.items() if value is not None})
    import_keras()
    from ..bundles.ensemble import assemble

    out = options.out.resolve()  # "." has no name of its own
    models = [repeatable_path(run) for run in options.runs]
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
        f"{options.out}: {plural(max(1, len(card['members'])), 'network')}, {size:,} bytes, "
        f"validation accuracy {validation['accuracy']:.2%}, "
        f"calibration error {validation['calibration_error']:.2%}, temperature {card['temperature']:.3f}"
    )


def export(options: argparse.Namespace) -> None:
    from ..bundles.bundle import find_bundle
    from ..bundles.export import export

    start = time.monotonic()
    bundle = find_bundle(options.model)
    export(bundle, options.format, options.out)
    size = options.out.stat().st_size
    if options.json:
        return print_json(
            {"model": bundle.name, "format": options.format, "out": str(options.out), "bytes": size}
        )
    print(
        f"{options.out}: {bundle.name} as {options.format}, {size:,} bytes, "
        f"in {time.monotonic() - start:.1f} s"
    )
