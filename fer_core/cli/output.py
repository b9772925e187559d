"""What the commands print, and how they read their arguments."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..errors import FerError


def fail(message: str) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return 1


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text!r}")
    return int(text)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def table(header: list[str], rows: list[list[str]]) -> str:
    """Text columns: the first to the left, numbers to the right."""
    table = [header, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
    return "\n".join(lines)


def read_named_votes(options: argparse.Namespace, dataset: Any) -> Any:
    from ..data.votes import FILE_NAME, find_votes, read_votes

    path = options.votes or find_votes(options.data)
    if path is None:
        raise FerError(
            f"There are no FER+ votes beside {options.data}: put {FILE_NAME} there or name it with --votes."
        )
    return read_votes(path, dataset)
