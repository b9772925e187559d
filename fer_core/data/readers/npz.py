"""Reader of NumPy archives: arrays with a split column, or x_train, y_train, x_test ... as in Keras."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from ... import emotions, imaging
from ...errors import DataError, FerError
from ..dataset import IMAGE_SIZE, SPLITS, UNLABELLED, Samples, find_split
from ..problems import Problems
from . import columns
from .file_tree import check_members


def recognises(head: bytes) -> bool:
    """Return whether a file is a zip whose first member is a NumPy array."""
    length = int.from_bytes(head[26:28], "little")
    return head.startswith(b"PK\x03\x04") and head[30 : 30 + length].endswith(b".npy")


def read(name: str, file: BinaryIO, split: str = "train") -> Samples:
    """Read an .npz without unpickling anything.

    Images may be (N, 48, 48), (N, 2304), (N, H, W) or (N, H, W, 1|3), in 0..255 or as floats in 0..1; labels
    may be numbers, names or one-hot rows.

    Raises:
        DataError: The file is damaged, contains Python objects, or its arrays do not fit together.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            check_members(name, archive.infolist())
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise DataError(
                f"{name} contains something other than plain arrays: save arrays of numbers or text only."
            )
    except DataError:
        raise
    except Exception as error:  # damaged zips, headers and pickles raise many kinds of errors
        raise DataError(
            f"{name} cannot be read as npz "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__})."
        ) from None
    parts = [_part(name, *part) for part in _groups(name, arrays, split)]
    images, labels, splits = (np.concatenate(column) for column in zip(*parts, strict=True))
    problems = Problems(name)
    good = labels != _BAD
    for row in np.flatnonzero(~good):
        problems.add(f"row {row + 1}: unknown label or split.")
    warnings = problems.conclude(int(good.sum()))
    return Samples(images[good], labels[good], splits[good], np.flatnonzero(good), "npz", warnings)


_BAD = -2  # marks a row with an unknown label or split


def _groups(
    name: str, arrays: dict[str, np.ndarray], default_split: str
) -> list[tuple[np.ndarray, np.ndarray | None, np.ndarray | str]]:
    """Return (images, labels, splits or the single split) for each set of arrays in the file."""
    by_split: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        words = re.split(r"[_\W]+", key.lower())
        split = next((s for s in map(find_split, words) if s), None)
        if split and len(words) > 1:
            rest = "_".join(w for w in words if not find_split(w))
            by_split.setdefault(split, {})[rest] = array
    if by_split:
        sets = [(columns.find(list(group)), group, split) for split, group in by_split.items()]
        groups: list[tuple[np.ndarray, np.ndarray | None, np.ndarray | str]] = [
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
    name: str, pixels: np.ndarray, labels: np.ndarray | None, split: np.ndarray | str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    images = _images(name, pixels)
    count = len(images)
    for what, array in (("labels", labels), ("splits", split)):
        one_hot = (
            what == "labels" and isinstance(array, np.ndarray) and array.shape == (count, len(emotions.NAMES))
        )
        if isinstance(array, np.ndarray) and array.shape not in ((count,), (count, 1)) and not one_hot:
            raise DataError(
                f"{name} has {count:,} images but {what} of shape {array.shape}: expected one for each image."
            )
    if labels is None:
        label_positions = np.full(count, UNLABELLED, np.int8)
    else:
        one_hot = labels.ndim == 2 and labels.shape[1] == len(emotions.NAMES)
        label_positions = _positions(
            labels.argmax(axis=1) if one_hot else labels.reshape(count), columns.label_position
        )
        if one_hot:
            label_positions[np.count_nonzero(labels, axis=1) == 0] = _BAD
    if isinstance(split, str):
        split_positions = np.full(count, SPLITS.index(split), np.int8)
    else:
        split_positions = _positions(split.reshape(count), lambda v: SPLITS.index(columns.split_name(v)))
    label_positions[split_positions == _BAD] = _BAD
    return images, label_positions, split_positions


def _positions(values: np.ndarray, meaning: Callable[[object], int]) -> np.ndarray:
    distinct, inverse = np.unique(values, return_inverse=True)
    positions = np.empty(len(distinct), np.int8)
    for i, value in enumerate(distinct.tolist()):
        if isinstance(value, bytes):
            value = value.decode("utf-8", errors="replace")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        try:
            positions[i] = meaning(value)
        except (FerError, SystemError):  # SystemError: a damaged text with invalid characters
            positions[i] = _BAD
    return positions[inverse]


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
        pixels = np.rint(pixels * scale).astype(np.uint8)
    if pixels.shape[1:] == (size, size):
        return pixels.astype(np.uint8)
    if not len(pixels):
        return np.empty((0, size, size), np.uint8)
    return np.stack([imaging.to_grey_48(imaging.from_array(np.ascontiguousarray(image))) for image in pixels])
