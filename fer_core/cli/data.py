"""The commands data and map."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import FerError
from ..storage import write_atomically
from .arguments import MODELS, SOURCES, Commands, add_label_options
from .output import print_json, table


def add_commands(commands: Commands) -> None:
    parser = commands.add("data", data, "Summarise a data set.")
    parser.add_argument("source", metavar="SOURCE", help=SOURCES)
    add_label_options(parser)
    parser.add_argument(
        "--report",
        type=Path,
        metavar="HTML",
        help="write a page on what is in the data and what is wrong with them",
    )
    parser.add_argument("--model", metavar="NAME|PATH", help="for the report: " + MODELS)
    parser.add_argument(
        "--votes",
        metavar="CSV",
        help="for the report: the FER+ votes (default: fer2013new.csv beside the data)",
    )

    parser = commands.add("map", make_map, "Map the faces so that similar ones are close together.")
    parser.add_argument("source", metavar="SOURCE", help=SOURCES)
    add_label_options(parser)
    parser.add_argument("--model", metavar="NAME|PATH", help=MODELS)
    parser.add_argument("--out", type=Path, metavar="CSV", help="write row, split, label, x and y to a file")


def data(options: argparse.Namespace) -> None:
    from ..data import open_dataset
    from ..quality.label_permutation import find_permutation

    dataset = open_dataset(options.source)
    permutation = find_permutation(dataset)
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
        "looks_permuted": None if permutation is None else asdict(permutation),
    }
    if options.json:
        return print_json(summary)
    print(
        f"{options.source}: {dataset.format}, {len(dataset):,} images of 48x48, "
        f"fingerprint {dataset.fingerprint}"
    )
    counts = dataset.counts()
    names = [n for n in (*dataset.label_names, "unlabelled") if any(n in c for c in counts.values())]
    rows = [[name, *(f"{c.get(name, 0):,}" for c in counts.values())] for name in names]
    rows.append(["all", *(f"{sum(c.values()):,}" for c in counts.values())])
    print(table(["", *counts], rows))
    for warning in dataset.warnings:
        print(f"note: {warning}")
    if permutation:
        print(f"note: {permutation.advice()}")


def _report(options: argparse.Namespace, dataset: Any) -> None:
    from ..bundles.bundle import find_bundle
    from ..data.votes import find_votes, read_votes
    from ..report.dataset import dataset_report

    path = options.votes or find_votes(options.source)
    votes = read_votes(path, dataset) if path else None
    write_atomically(
        options.report,
        dataset_report(dataset, votes, find_bundle(options.model)).encode(errors="backslashreplace"),
    )


def make_map(options: argparse.Namespace) -> None:
    import numpy as np

    from ..bundles.bundle import find_bundle
    from ..data import SPLITS, open_dataset
    from ..quality import map_job
    from ..quality.embedding import load_map

    dataset, bundle = open_dataset(options.source), find_bundle(options.model)
    map_job.run(dataset, bundle)
    places = load_map(dataset, bundle, "tsne")
    if places is None:
        raise FerError("The map could not be saved: the cache folder cannot be written.")
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
        + (f", written to {options.out}" if options.out else ", saved for the app")
    )
