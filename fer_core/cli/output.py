"""Output of the commands: JSON, tables and errors."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data import Dataset


def fail(message: str) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return 1


def print_json(value: Any) -> None:
    """Print JSON, with other letters than ASCII as escapes where the terminal or a name has no UTF-8."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=1)
    print(text)


def print_notes(dataset: Dataset) -> list[str]:
    """Print the notes on a source on stderr: assumed codes, files left out, labels that look permuted.

    Returns:
        The notes.
    """
    from ..quality.label_permutation import find_permutation

    permutation = find_permutation(dataset)
    notes = [*dataset.warnings, *([permutation.advice()] if permutation else [])]
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return notes


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return text columns: the first aligned to the left, the others to the right."""
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
