"""Readers of data files: one module for each form, and one list of them all.

To add a form, write a module with `recognises` and `read` and add a line to `READERS`. It then works for a
single file, in a folder and in a zip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from ..budget import Budget
from ..dataset import Samples, join_samples
from ..labels import LabelReader
from . import csv_table, npz, parquet, pixel_columns
from .file_tree import FileTree, split_of


@dataclass(frozen=True)
class Reader:
    """A form of data files."""

    name: str
    suffixes: tuple[str, ...]  # offered in file dialogs; files are recognised by their content
    # Return whether a file with these first bytes, up to HEAD_BYTES, has this form.
    recognises: Callable[[bytes], bool]
    # Read the recognised files of a tree.
    read: Callable[[FileTree, list[str]], Samples]


def _each(
    read: Callable[[str, BinaryIO, str, Budget, LabelReader], Samples],
) -> Callable[[FileTree, list[str]], Samples]:
    """Return a reader that joins what `read(name, file, split, budget, labels)` returns for each file."""

    def read_all(tree: FileTree, paths: list[str]) -> Samples:
        parts = []
        for path in paths:
            with tree.open_seekable(path) as file:
                parts.append(read(tree.full_name(path), file, split_of(path), tree.budget, tree.labels))
        return join_samples(parts)

    return read_all


# Where a folder holds files of several forms, the first form in this list is read.
READERS: tuple[Reader, ...] = (
    Reader("csv with a column a pixel", (".csv",), pixel_columns.recognises, _each(pixel_columns.read)),
    Reader("csv", (".csv",), csv_table.recognises, csv_table.read_tables),
    Reader("parquet", (".parquet",), parquet.recognises, _each(parquet.read)),
    Reader("npz", (".npz",), npz.recognises, _each(npz.read)),
    Reader("npy", (".npy",), npz.is_array, npz.read_arrays),
)

HEAD_BYTES = 1 << 16
SUFFIXES = frozenset(suffix for reader in READERS for suffix in reader.suffixes) | {
    ".zip",
    ".tar",
    ".gz",
    ".tgz",
}


def find_reader(head: bytes) -> Reader | None:
    """Return the reader of files that begin with `head`, or None."""
    return next((reader for reader in READERS if reader.recognises(head)), None)
