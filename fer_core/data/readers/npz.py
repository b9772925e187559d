"""Reader of NumPy archives: arrays with a split column, or x_train, y_train, x_test ... as in Keras."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, BinaryIO

import numpy as np

from ... import imaging
from ...errors import DataError, FerError, reason
from ...zip_file import open_zip
from ..budget import Budget
from ..dataset import IMAGE_SIZE, SPLITS, UNLABELLED, Samples, find_split
from ..labels import MAX_CODES, LabelReader
from ..problems import Problems
from . import columns
from .file_tree import FileTree, check_members


def recognises(head: bytes) -> bool:
    """Return whether a file is a zip whose first member is a NumPy array."""
    length = int.from_bytes(head[26:28], "little")
    return head.startswith(b"PK\x03\x04") and head[30 : 30 + length].endswith(b".npy")


def is_array(head: bytes) -> bool:
    """Return whether a file is a single NumPy array, as X_train.npy."""
    return head.startswith(b"\x93NUMPY")


def read_arrays(tree: FileTree, paths: list[str]) -> Samples:
    """Read the .npy files of a tree as if they were the arrays of one npz: X_train.npy, y_train.npy ...

    Raises:
        DataError: See `read`; also if there are no labels.
    """
    if len(paths) == 1:
        raise DataError(
            f"{tree.full_name(paths[0])} is a single NumPy array: open the folder or zip that has the images "
            "and the labels, such as X_train.npy and y_train.npy."
        )
    try:
        stored = {}
        for path in paths[:_MAX_ARRAYS]:
            with tree.open(path) as file:
                shape, dtype = _header(file)
            stored[PurePosixPath(path).stem] = _Stored(partial(tree.open, path), 0, shape, dtype)
        return _read(tree.name, stored, tree.default_split, tree.budget, tree.labels, "npy")
    except DataError:
        raise
    except Exception as error:  # as below
        raise _damaged(tree.name, error) from None


def arrays(name: str, file: BinaryIO, budget: Budget) -> dict[str, np.ndarray]:
    """Read all arrays of an .npz without unpickling anything.

    Raises:
        DataError: The file is damaged, contains Python objects, or is too large.
    """
    try:
        with open_zip(file, name, _MAX_ARRAYS) as archive:
            check_members(name, archive.infolist())
            return {key: array.load(name, budget) for key, array in _stored(archive).items()}
    except DataError:
        raise
    except Exception as error:  # as below
        raise _damaged(name, error) from None


def _stored(archive: zipfile.ZipFile) -> dict[str, _Stored]:
    """Return the arrays of a zip by name, without their values."""
    stored = {}
    for member in archive.infolist():
        with archive.open(member) as array:
            shape, dtype = _header(array)
        name = PurePosixPath(member.filename).name.removesuffix(".npy")
        stored[name] = _Stored(partial(archive.open, member), member.file_size, shape, dtype)
    return stored


def read(
    name: str,
    file: BinaryIO,
    split: str = "train",
    budget: Budget | None = None,
    label_reader: LabelReader | None = None,
) -> Samples:
    """Read an .npz without unpickling anything.

    Images may be (N, 48, 48), (N, 2304), (N, H, W) or (N, H, W, 1|3), in 0..255 or as floats in 0..1; labels
    may be numbers, names or one-hot rows. A text array class_names, classes or label_names names the
    numbers.

    Args:
        name: Name of the file in error messages.
        file: Seekable binary file.
        split: Split of arrays that name none.
        budget: What the file may take at most; the headers of the arrays say it before they are read.
        label_reader: Gives the labels their meaning.

    Raises:
        DataError: The file is damaged, contains Python objects, its arrays do not fit together, or it is too
            large.
    """
    budget, label_reader = budget or Budget(), label_reader or LabelReader()
    try:
        with open_zip(file, name, _MAX_ARRAYS) as archive:
            check_members(name, archive.infolist())
            return _read(name, _stored(archive), split, budget, label_reader, "npz")
    except DataError:
        raise
    except Exception as error:  # damaged zips, headers and pickles raise many kinds of errors
        raise _damaged(name, error) from None


def _damaged(name: str, error: Exception) -> DataError:
    return DataError(f"{name} cannot be read as npz ({reason(error)}).")


def _read(
    name: str,
    stored: dict[str, _Stored],
    split: str,
    budget: Budget,
    label_reader: LabelReader,
    form: str,
) -> Samples:
    names = _class_names(name, stored, budget)
    parts = [
        _part(name, *_load(name, group, budget), label_reader, names)
        for group in _groups(name, stored, split)
    ]
    images, labels, splits = (np.concatenate([part[i] for part in parts]) for i in range(3))
    problems = Problems(name)
    good = labels != _BAD
    start = 0
    for part_images, *_, faults in parts:
        for row, fault in sorted(faults.items()):
            problems.add_fault(f"row {start + row + 1}", fault)
        start += len(part_images)
    warnings = problems.conclude(int(good.sum()))
    return Samples(
        images[good],
        labels[good],
        splits[good],
        np.flatnonzero(good),
        form,
        warnings,
        other_classes=dict(problems.other_classes),
    )


@dataclass(frozen=True)
class _Stored:
    """An array that has not been read yet."""

    open: Callable[[], AbstractContextManager[IO[bytes]]]
    file_size: int
    shape: tuple[int, ...]
    dtype: np.dtype

    def load(self, name: str, budget: Budget) -> np.ndarray:
        budget.take_bytes(name, max(self.file_size, math.prod(self.shape) * self.dtype.itemsize))
        with self.open() as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Return the shape of an array, and the type of a number in it."""
    version = np.lib.format.read_magic(file)
    # version 3 differs from 2 only in names of fields, which are refused below
    read_header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
        version, np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(file)
    if dtype.hasobject or dtype.names or min(shape, default=0) < 0:
        raise ValueError("it contains something other than plain arrays of numbers or text")
    return shape, dtype


def _load(
    name: str, group: tuple[_Stored, _Stored | None, _Stored | str], budget: Budget
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | str]:
    """Read the arrays of a split, once their headers have been found small enough."""
    pixels, labels, split = group
    count = pixels.shape[0] if pixels.shape else 0
    budget.take_faces(name, count)
    if len(pixels.shape) > 2:
        budget.take_pixels(name, pixels.shape[2], pixels.shape[1], count)
    return (
        pixels.load(name, budget),
        None if labels is None else labels.load(name, budget),
        split if isinstance(split, str) else split.load(name, budget),
    )


def _class_names(name: str, arrays: dict[str, _Stored], budget: Budget) -> dict[int, str] | None:
    """Take the array that names the numbers of the labels from `arrays`; None where there is none."""
    for key, array in list(arrays.items()):
        few = len(array.shape) == 1 and array.shape[0] <= MAX_CODES
        if key.lower() in _NAMES_KEYS and few and array.dtype.kind in "US":
            del arrays[key]
            texts = array.load(name, budget).tolist()
            return {
                code: text.decode("utf-8", errors="replace") if isinstance(text, bytes) else text
                for code, text in enumerate(texts)
            }
    return None


_MAX_ARRAYS = 1000
_NAMES_KEYS = ("class_names", "classes", "label_names", "target_names", "names")
_ROWS = 4096  # whose pixels are converted at a time
_BAD = -128  # marks a row with an unknown label or split


def _groups(
    name: str, arrays: Mapping[str, _Stored], default_split: str
) -> list[tuple[_Stored, _Stored | None, _Stored | str]]:
    """Return (images, labels, splits or the single split) for each set of arrays in the file."""
    by_split: dict[str, dict[str, _Stored]] = {}
    for key, array in arrays.items():
        words = re.split(r"[_\W]+", key.lower())
        split = next((s for s in map(find_split, words) if s), None)
        if split and len(words) > 1:
            rest = "_".join(w for w in words if not find_split(w))
            by_split.setdefault(split, {})[rest] = array
    if by_split:
        sets = [(columns.find(list(group)), group, split) for split, group in by_split.items()]
        groups: list[tuple[_Stored, _Stored | None, _Stored | str]] = [
            (g[f["pixels"]], g.get(f.get("label", "")), split) for f, g, split in sets if "pixels" in f
        ]
        if groups:
            return groups
    roles = columns.find(list(arrays))
    if "pixels" not in roles:
        raise DataError(
            f"{name} has no array of images: expected pixels, images or x_train; got "
            f"{', '.join(list(arrays)[:6]) or 'nothing'}."
        )
    split_array = arrays[roles["split"]] if "split" in roles else default_split
    return [(arrays[roles["pixels"]], arrays[roles["label"]] if "label" in roles else None, split_array)]


def _part(
    name: str,
    pixels: np.ndarray,
    labels: np.ndarray | None,
    split: np.ndarray | str,
    label_reader: LabelReader,
    names: dict[int, str] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[int, FerError | str]]:
    """Return the images, the positions of their labels and splits, and what is wrong with bad rows."""
    images = _images(name, pixels)
    faults: dict[int, FerError | str] = {}
    count, classes = len(images), label_reader.columns(names)
    for what, array in (("labels", labels), ("splits", split)):
        one_hot = what == "labels" and isinstance(array, np.ndarray) and array.shape == (count, classes)
        if isinstance(array, np.ndarray) and array.shape not in ((count,), (count, 1)) and not one_hot:
            raise DataError(
                f"{name} has {count:,} images but {what} of shape {array.shape}: expected one for each image."
            )
    if labels is None:
        label_positions = np.full(count, UNLABELLED, np.int8)
    else:
        one_hot = labels.ndim == 2 and labels.shape[1] == classes
        label_positions, faults = _positions(
            labels.argmax(axis=1) if one_hot else labels.reshape(count),
            lambda value: label_reader.position(value, names),
        )
        empty = np.count_nonzero(labels, axis=1) == 0 if one_hot else np.zeros(count, bool)
        faults |= dict.fromkeys(np.flatnonzero(empty).tolist(), "it is zero for all classes.")
    if isinstance(split, str):
        split_positions = np.full(count, SPLITS.index(split), np.int8)
    else:
        split_positions, wrong = _positions(
            split.reshape(count), lambda v: SPLITS.index(columns.split_name(v))
        )
        faults |= wrong
    label_positions[list(faults)] = _BAD
    return images, label_positions, split_positions, faults


def _positions(
    values: np.ndarray, meaning: Callable[[object], int]
) -> tuple[np.ndarray, dict[int, FerError | str]]:
    """Return the positions that values mean, and what is wrong with the other rows."""
    distinct, inverse = np.unique(values, return_inverse=True)
    positions, wrong = np.zeros(len(distinct), np.int8), dict[int, FerError | str]()
    for i, value in enumerate(distinct.tolist()):
        if isinstance(value, bytes):
            value = value.decode("utf-8", errors="replace")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        try:
            positions[i] = meaning(value)
        except FerError as error:
            wrong[i] = error
        except SystemError:  # a damaged text with invalid characters
            wrong[i] = "the text is damaged."
    rows = np.flatnonzero(np.isin(inverse, list(wrong)))
    return positions[inverse], {row: wrong[inverse[row]] for row in rows.tolist()}


def _images(name: str, pixels: np.ndarray) -> np.ndarray:
    """Return the images as (N, 48, 48) uint8."""
    size = IMAGE_SIZE
    if pixels.ndim == 2 and pixels.shape[1] == size * size:
        pixels = pixels.reshape(-1, size, size)
    if pixels.ndim == 4 and pixels.shape[3] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] != 3) or 0 in pixels.shape[1:]:
        raise DataError(
            f"{name} has images of shape {pixels.shape}: expected (N, 48, 48), (N, 2304) or (N, H, W, 1 or "
            "3)."
        )
    if pixels.dtype.kind not in "uifb":
        raise DataError(f"{name} has images of type {pixels.dtype}: expected numbers.")
    if pixels.dtype != np.uint8 and pixels.size:
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high <= 255):
            raise DataError(
                f"{name} has pixel values from {low:g} to {high:g}: expected 0 to 255, or 0 to 1."
            )
        scale = 255 if pixels.dtype.kind == "f" and high <= 1 else 1
        whole = np.empty(pixels.shape, np.uint8)
        for start in range(0, len(pixels), _ROWS):
            whole[start : start + _ROWS] = np.rint(pixels[start : start + _ROWS] * scale)
        pixels = whole
    if pixels.shape[1:] == (size, size):
        return pixels
    if not len(pixels):
        return np.empty((0, size, size), np.uint8)
    return np.stack([imaging.to_grey_48(imaging.from_array(np.ascontiguousarray(image))) for image in pixels])
