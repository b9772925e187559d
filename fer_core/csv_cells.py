"""Cells of CSV files that spreadsheets must not take for formulas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula, blanks before it included
# (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def harmless(cell: Any) -> Any:
    """Return a cell with an apostrophe before a text that a spreadsheet would calculate; numbers stay."""
    if isinstance(cell, str) and (cell.lstrip().startswith(_FORMULA) or cell[:1] in ("\t", "\r", "\n")):
        return f"'{cell}"
    return cell


def harmless_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows whose names and cells are harmless."""
    return [{harmless(name): harmless(cell) for name, cell in row.items()} for row in rows]
