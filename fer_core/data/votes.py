"""FER+ votes: ten for each image of FER2013 (Barsoum et al. 2016, arXiv:1608.01041).

They stand in `fer2013new.csv`, in the order of FER2013's CSV, or in the `label.csv` of each folder of
pictures that FER+'s own script writes (github.com/microsoft/FERPlus).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..label_options import split_source
from . import recipe
from .dataset import SPLITS, Dataset, find_split
from .opening import picture_files
from .vote_counts import COLUMNS, PICTURE_LINE, Votes

FILE_NAME = "fer2013new.csv"
PICTURE_LIST = "label.csv"


def find_votes(source: str) -> Path | None:
    """Return the votes file beside the data file `source` or in the folder `source`, or None."""
    path = Path(split_source(source)[0]).expanduser()
    # A variant uses the votes of its original.
    if path.name.endswith(recipe.SUFFIX) and path.is_file():
        return find_votes(recipe.read_recipe(path).source)
    candidate = (path if path.is_dir() else path.parent) / FILE_NAME
    if path.exists() and candidate.is_file():
        return candidate
    return next(filter(_is_picture_list, sorted(path.glob(f"*/{PICTURE_LIST}"))), None)


def _is_picture_list(path: Path) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return PICTURE_LINE.match(file.readline(1000)) is not None
    except OSError:
        return False


def read_votes(path: str | Path, dataset: Dataset) -> Votes:
    """Read the votes in the file `path` for the images of `dataset`, by row or by the pictures' names.

    Raises:
        DataError: The file is not a FER+ file, or it belongs to other images: the number of rows, the splits
            or the pictures differ.
    """
    import pandas as pd

    if _is_picture_list(Path(path)):
        return _votes_of_pictures(Path(path), dataset)
    expected = f"expected the {FILE_NAME} of FER+ with the columns Usage, {', '.join(COLUMNS)}"
    try:
        table = pd.read_csv(path, compression=None)
    except OSError as error:
        raise DataError(f"The votes {path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, pd.errors.ParserError):  # UnicodeDecodeError is a ValueError
        raise DataError(f"{path} is not a table of votes: {expected}.") from None
    if missing := [column for column in ("Usage", *COLUMNS) if column not in table]:
        raise DataError(f"{path} has no column {missing[0]}: {expected}.")
    try:
        values = table[list(COLUMNS)].to_numpy(np.float64)
    except ValueError:
        values = np.array([[np.nan]])
    if not (np.all(values >= 0) and np.all(values <= 255) and np.all(values == np.round(values))):
        raise DataError(f"{path} contains votes that are not whole numbers from 0 to 255: {expected}.")
    complete = len(table) == len(dataset) or (dataset.variant_of is not None and len(dataset) < len(table))
    if not complete or np.any(dataset.rows >= len(table)) or len(np.unique(dataset.rows)) != len(dataset):
        raise DataError(
            f"{path} has votes for {len(table):,} images, but {dataset.source} has {len(dataset):,}: votes "
            "are joined by row."
        )
    splits = [find_split(str(usage)) for usage in table["Usage"]]
    data_splits = np.array([SPLITS.index(split) if split else -1 for split in splits])[dataset.rows]
    if not np.array_equal(data_splits, dataset.splits):
        raise DataError(
            f"{path} has its splits in another order than {dataset.source}: votes are joined by row, so the "
            "data must be FER2013's "
            "CSV, or a form of it that keeps the order."
        )
    return Votes(values.astype(np.uint8)[dataset.rows])


def _votes_of_pictures(path: Path, dataset: Dataset) -> Votes:
    """Return the votes in the lists of all folders beside that of `path`, joined by the pictures' names.

    Raises:
        DataError: A picture of the data is in no list.
    """
    source = split_source(dataset.source)[0]
    while source.endswith(recipe.SUFFIX):
        source = split_source(recipe.read_recipe(Path(source)).source)[0]
    listed: dict[str, list[int]] = {}
    for other in sorted(path.parent.parent.glob(f"*/{PICTURE_LIST}")):
        with open(other, encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.reader(file):
                cells = [cell.strip() for cell in row[2:]]
                if len(cells) == len(COLUMNS) and all(cell.isdecimal() and len(cell) < 4 for cell in cells):
                    listed[f"{other.parent.name}/{row[0].strip()}"] = [min(255, int(cell)) for cell in cells]
    files = picture_files(source)
    try:
        counts = [listed["/".join(Path(files[row]).parts[-2:])] for row in dataset.rows]
    except LookupError:
        raise DataError(
            f"{path} and the lists beside it do not have all pictures of {dataset.source}: expected the "
            "folders as FER+'s script writes them."
        ) from None
    return Votes(np.array(counts, np.uint8).reshape(-1, len(COLUMNS)))
