"""Shared parts of the commands: registration, number types, common options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ..errors import FerError
from ..label_options import LabelOptions, join_source, split_source
from ..label_orders import ORDERS

SOURCES = "a file (CSV, zip, parquet, npz), a folder, synthetic[:N[:SEED]] or kaggle:OWNER/NAME"
_MODELS = "a shipped model's name, a bundle folder or a run folder"
MODELS = f"{_MODELS} (default: standard)"
PHOTO_MODELS = f"{_MODELS} (default: photo)"
RUNS = "the folder of the runs (default: FER_RUNS_DIR, else runs)"


class Commands:
    """The commands of a parser."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(self, name: str, run: Callable[[argparse.Namespace], Any], help: str) -> argparse.ArgumentParser:
        """Add a command that calls `run`, and return its parser."""
        parser = self._commands.add_parser(name, help=help, description=help)
        parser.set_defaults(command=run, usage_error=parser.error)
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else on stdout")
        return parser


def add_label_options(parser: argparse.ArgumentParser) -> None:
    """Add --classes, --map and --leave-out; `main` makes them part of the source before the command runs."""
    parser.add_argument(
        "--classes",
        metavar="ORDER",
        help="the order of labels that are numbers: "
        f"{', '.join(ORDERS)}, or a name for each number from 0, such as happy,sad,-,angry",
    )
    parser.add_argument(
        "--map",
        action="append",
        metavar="WORD=CLASS",
        help="read another class or number as one of the seven, such as contempt=disgust; repeatable",
    )
    parser.add_argument(
        "--leave-out",
        action="append",
        metavar="WORD",
        help="leave images of a class or number out, such as contempt; repeatable",
    )


def join_label_options(options: argparse.Namespace) -> None:
    """Make the options of labels a part of the source that a command takes.

    Raises:
        FerError: An option cannot be used, or the source has options already.
    """
    if not hasattr(options, "classes"):
        return
    labels = LabelOptions(
        options.classes or "", ",".join(options.map or ()), ",".join(options.leave_out or ())
    )
    if labels == LabelOptions():
        return
    name = "data" if hasattr(options, "data") else "source"
    source = getattr(options, name)
    if source is None:
        options.usage_error("--classes, --map and --leave-out go with a source of data")
    location, given = split_source(source)
    if given != LabelOptions():
        raise FerError(f"{source} has options of its labels already: change these, or take them out of it.")
    setattr(options, name, join_source(location, labels))


def add_preset(parser: argparse.ArgumentParser, settings_help: str) -> None:
    """Add --preset and --set."""
    parser.add_argument("--preset", metavar="NAME", help="a name that `presets` lists (default: standard)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help=f"{settings_help}; repeatable",
    )


def positive_int(text: str) -> int:
    """Parse a whole number from 1."""
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def non_negative_int(text: str) -> int:
    """Parse a whole number from 0."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text!r}")
    return int(text)


def share(text: str) -> float:
    """Parse a share, 0 to 1, or per cent such as "60%"."""
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a share such as 0.6 or 60%, got {text!r}") from None
    return number


def read_named_votes(options: argparse.Namespace, dataset: Any) -> Any:
    from ..data.votes import FILE_NAME, find_votes, read_votes

    path = options.votes or find_votes(options.data)
    if path is None:
        raise FerError(
            f"There are no FER+ votes beside {options.data}: put {FILE_NAME} there or name it with --votes."
        )
    return read_votes(path, dataset)
