"""Commands that show what there is: data, presets, models."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import FerError, ModelError
from ..storage import write_atomically
from .output import print_json, table

if TYPE_CHECKING:
    from ..bundle import Bundle


def data(options: argparse.Namespace) -> None:
    from ..data import open_dataset

    dataset = open_dataset(options.source)
    if options.report:
        _report(options, dataset)
    summary = {
        "source": options.source,
        "format": dataset.format,
        "count": len(dataset),
        "splits": dataset.counts(),
        "image_shape": list(dataset.image_shape),
        "fingerprint": dataset.fingerprint,
        "warnings": list(dataset.warnings),
    }
    if options.json:
        return print_json(summary)
    print(
        f"{options.source}: {dataset.format}, {len(dataset):,} images of 48x48, fingerprint {dataset.fingerprint}"
    )
    counts = dataset.counts()
    names = [n for n in (*dataset.label_names, "unlabelled") if any(n in c for c in counts.values())]
    rows = [[name, *(f"{c.get(name, 0):,}" for c in counts.values())] for name in names]
    rows.append(["all", *(f"{sum(c.values()):,}" for c in counts.values())])
    print(table(["", *counts], rows))
    for warning in dataset.warnings:
        print(f"note: {warning}")


def _report(options: argparse.Namespace, dataset: Any) -> None:
    from ..bundle import find_bundle
    from ..data.votes import find_votes, read_votes
    from ..report.dataset import dataset_report

    path = options.votes or find_votes(options.source)
    votes = read_votes(path, dataset) if path else None
    write_atomically(options.report, dataset_report(dataset, votes, find_bundle(options.model)).encode())


def map(options: argparse.Namespace) -> None:
    import numpy as np

    from ..bundle import find_bundle
    from ..data import SPLITS, open_dataset
    from ..quality import map_job
    from ..quality.embedding import load_map

    dataset, bundle = open_dataset(options.source), find_bundle(options.model)
    map_job.carry_out(dataset, bundle)
    places = load_map(dataset, bundle, "tsne")
    if places is None:
        raise FerError("The map could not be kept: the cache folder cannot be written.")
    if options.out:
        names = [*dataset.label_names, ""]
        lines = [
            f"{dataset.rows[i]},{SPLITS[dataset.splits[i]]},{names[dataset.labels[i]]},{x:.4f},{y:.4f}"
            for i, (x, y) in enumerate(places)
        ]
        write_atomically(options.out, ("row,split,label,x,y\n" + "\n".join(lines) + "\n").encode())
    low, high = np.min(places, axis=0), np.max(places, axis=0)
    if options.json:
        return print_json(
            {
                "count": len(places),
                "model": bundle.name,
                "x": [float(low[0]), float(high[0])],
                "y": [float(low[1]), float(high[1])],
            }
        )
    print(
        f"{len(places):,} faces on a map by {bundle.name}"
        + (f", written to {options.out}" if options.out else ", kept for the app")
    )


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
    from ..bundle import find_bundle, shipped

    if options.model is not None:
        from ..release.model_card import layers_markdown, markdown

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
        "\ntest: PrivateTest, with its 95 % interval; calibration error: on validation; one image: on this machine, one thread"
    )


def _entry(bundle: Bundle) -> dict[str, Any]:
    """What the card of a model says, None where it is damaged, and what is measured here."""
    from ..card_values import interval, number, part, whole

    test, validation = (part(part(bundle.card, "figures"), split) for split in ("test", "validation"))
    bounds = interval(test.get("accuracy_ci95"))
    return {
        "name": bundle.path.name,
        "path": str(bundle.path),
        "preset": bundle.card.get("preset"),
        "labels": list(bundle.labels),
        "truth": bundle.card.get("truth", "labels"),
        "parameters": whole(bundle.card.get("parameters")),
        "multiply_adds": whole(bundle.card.get("multiply_adds")),
        "inference_bytes": bundle.inference_file.stat().st_size if bundle.inference_file.is_file() else None,
        "milliseconds": _milliseconds(bundle),
        "test_accuracy": number(test.get("accuracy")),
        "test_accuracy_ci95": list(bounds) if bounds else None,
        "test_accuracy_without_leaked": number(test.get("accuracy_without_leaked")),
        "validation_accuracy": number(validation.get("accuracy")),
        "validation_calibration_error": number(validation.get("calibration_error")),
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
