"""The command import-model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..model_import.findings import Findings
from ..model_import.input_values import AUTO, SCALINGS
from .arguments import SOURCES, Commands
from .output import print_json, print_notes, table


def add_commands(commands: Commands) -> None:
    parser = commands.add(
        "import-model",
        import_model,
        "Make a model of a file that was trained elsewhere: Keras, SavedModel, LiteRT or ONNX.",
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="a .keras, .h5, .tflite or .onnx file, or the folder of a SavedModel or a zip of it",
    )
    parser.add_argument("--name", required=True, metavar="NAME", help="what the model will be called")
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help=f"labelled faces to find input and classes on: {SOURCES}",
    )
    parser.add_argument(
        "--classes",
        dest="class_order",
        default=AUTO,
        metavar="ORDER",
        help="the class of each output: an order's name such as alphabetical, or names such as "
        "happy,sad,-,angry (default: auto)",
    )
    parser.add_argument(
        "--input",
        choices=(AUTO, *SCALINGS),
        default=AUTO,
        help="the numbers that the network takes: "
        + "; ".join(f"{name}: {scaling.title}" for name, scaling in SCALINGS.items())
        + " (default: auto)",
    )


def import_model(options: argparse.Namespace) -> None:
    from ..model_import.findings import labelled_faces
    from ..model_import.process import import_model as run_import
    from ..runs.manage import check_name

    check_name(options.name)
    faces = None
    if options.data:
        from ..data import open_dataset

        dataset = open_dataset(options.data)
        print_notes(dataset)
        faces = labelled_faces(dataset, _name(options.data))
    bundle, findings = run_import(
        options.file, options.name, faces, input=options.input, classes=options.class_order
    )
    if findings.warning:
        print(f"note: {findings.warning}", file=sys.stderr)
    if options.json:
        return print_json(
            findings.as_json()
            | {"model": bundle.name, "bundle": str(bundle.path), "works": bundle.card["imported"]["works"]}
        )
    shape = findings.shape.words()
    print(f"{options.file.name}: {findings.format}, takes {shape}, gives {findings.count} {findings.kind}")
    if findings.tries:
        print(f"\naccuracy on {findings.tries[0].images:,} faces of {findings.source}, by input and order:\n")
        print(_tries(findings))
        print()
    for what, words in findings.chosen_words().items():
        print(f"{what.lower()}: {words}")
    print(f"{bundle.path}: the model {bundle.name}. {bundle.card['imported']['works']}")


def _tries(findings: Findings) -> str:
    """Return the tries as a table: a row for each input, a column for each order, the best first."""
    columns, rows = findings.table()
    cells = [
        [name, *(f"{row[column]:.1%}" if column in row else "-" for column in columns)]
        for name, row in rows.items()
    ]
    return table(["input", *columns], cells)


def _name(source: str) -> str:
    """Return a source without its folder, as it stands on a card."""
    return source if source.startswith(("synthetic", "kaggle:")) else Path(source).name
