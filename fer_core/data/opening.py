"""Opening of data sets: the content of a source, not its name, determines how it is read."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qsl

import numpy as np

from ..errors import DataError, reason
from ..label_options import LabelOptions, is_drawn, join_source, split_source
from ..picture_files import has_picture_name
from . import cache, recipe, synthetic, synthetic_drawing
from .budget import Budget
from .dataset import Dataset, Samples, assemble
from .labels import LabelReader
from .readers import HEAD_BYTES, READERS, class_folders, csv_table, find_reader, label_names, picture_lists
from .readers.file_tree import FileTree, FolderTree, OneFileTree, ZipTree
from .readers.tar_tree import TarTree, is_gzip, is_tar, unpacked

_FORMS = ", ".join(dict.fromkeys(reader.suffixes[0].removeprefix(".") for reader in READERS))


def open_dataset(source: str | Path, budget: Budget | None = None) -> Dataset:
    """Open a data set.

    Args:
        source: `synthetic[:N[:SEED]]`, `kaggle:OWNER/NAME`, or the path of a CSV, zip, parquet or npz file or
            of a folder; options of its labels may follow, such as `?classes=alphabetical`, see
            `fer_core.label_options.LabelOptions`.
        budget: What the source may take at most; by default 2,000,000 faces.

    Raises:
        DataError: The source cannot be read; the message is one sentence with what was expected and what
            came.
    """
    text, budget = str(source), budget or Budget()
    if not text.strip():
        raise DataError(
            "No data source was named: expected a file, a folder, synthetic[:N[:SEED]] or kaggle:OWNER/NAME."
        )
    if is_drawn(text):
        # The key includes the code that draws, so that changed code draws the faces again.
        code = b"".join(Path(str(module.__file__)).read_bytes() for module in (synthetic, synthetic_drawing))
        return _cached(
            hashlib.sha256(text.encode() + code).hexdigest(), text, lambda: _synthetic(text, budget), budget
        )
    location, options = split_source(text)
    if location.startswith("kaggle:"):
        folder_source = join_source(_kaggle_folder(location), options)
        return replace(open_dataset(folder_source, budget), source=text)
    labels = LabelReader(options)
    try:
        path = Path(location).expanduser()
        if path.is_dir():
            folder = FolderTree(path, budget)
            folder.labels = labels
            key = _key(folder.signature(), options)
            return _cached(key, text, lambda: _read_tree(folder), budget)
        if not path.is_file():
            raise DataError(
                f"{text} does not exist: expected a file, a folder, synthetic[:N[:SEED]] or "
                "kaggle:OWNER/NAME."
            )
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
        # A variant is not cached, since its original is.
        if recipe.is_recipe(head):
            if options != LabelOptions():
                raise DataError(
                    f"{location} is a cleaned variant, whose labels are those of its original: choose the "
                    "order of the original, and make the variant of that."
                )
            return recipe.open_recipe(path, text, lambda original: open_dataset(original, budget))
        digest = hashlib.sha256()
        for part in (path, *names_beside(path)):
            stat = part.stat()
            digest.update(os.fsencode(part.resolve()) + f"\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        key = _key(digest.hexdigest(), options)
        return _cached(key, text, lambda: read_file(path, budget, labels), budget)
    except OSError as error:
        raise DataError(f"{text} cannot be read: {error.strerror or error}.") from None
    except RuntimeError:  # ~user with an unknown home folder
        raise DataError(f"{text} does not exist: there is no such home folder.") from None
    except MemoryError:
        raise DataError(f"{text} does not fit into memory.") from None


def read_samples(location: str, labels: LabelReader, budget: Budget | None = None) -> Samples:
    """Read a file or folder without the cache.

    Args:
        location: Its path, without options.
        labels: Gives the labels their meaning.
        budget: What it may take at most.

    Raises:
        DataError: It cannot be read.
    """
    try:
        path = Path(location).expanduser()
        if path.is_dir():
            folder = FolderTree(path, budget)
            folder.labels = labels
            return _read_tree(folder)
        return read_file(path, budget, labels)
    except OSError as error:
        raise DataError(f"{location} cannot be read: {error.strerror or error}.") from None


def picture_files(location: str) -> list[str]:
    """Return the pictures of a folder, zip or tar by their row in its data set.

    Raises:
        DataError: It cannot be read, or holds tables, whose images have no file.
    """
    try:
        path = Path(location).expanduser()
        if path.is_dir():
            return class_folders.ordered(FolderTree(path))
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
        if is_tar(head):
            return class_folders.ordered(TarTree(path, Budget(), location, LabelReader()))
        if head.startswith(b"PK\x03\x04") and find_reader(head) is None:
            return class_folders.ordered(ZipTree(path))
    except OSError as error:
        raise DataError(f"{location} cannot be read: {error.strerror or error}.") from None
    raise DataError(f"The images of {location} have no file names: name them by a column row, from 0.")


def _key(signature: str, options: LabelOptions) -> str:
    """Return the key of a source in the cache."""
    return hashlib.sha256(f"{signature}\0{options}".encode()).hexdigest()


def _cached(key: str, source: str, read: Callable[[], Samples], budget: Budget) -> Dataset:
    dataset = cache.load(key, source)
    if dataset is not None:
        budget.take_faces(source, len(dataset))
    if dataset is None:
        dataset = assemble(read(), source)
        cache.store(key, dataset)
        return cache.load(key, source) or dataset  # mapped from the file, which takes less memory
    return dataset


def read_file(path: Path, budget: Budget | None = None, labels: LabelReader | None = None) -> Samples:
    """Read a file in the form that its first bytes reveal, or a zip of files."""
    budget, labels = budget or Budget(), labels or LabelReader()
    beside = [p.name for p in names_beside(path)]
    _find_names(labels, beside, lambda name: (path.parent / name).open("rb"))
    with open(path, "rb") as file:
        packed = is_gzip(file.read(HEAD_BYTES))
    if not packed:
        return _read_content(path, str(path), budget, labels)
    with unpacked(path, budget) as content:
        samples = _read_content(content, str(path), budget, labels)
    return replace(samples, format=f"gzip of {samples.format}")


def _read_content(path: Path, name: str, budget: Budget, labels: LabelReader) -> Samples:
    """Read a file that is not packed; `name` is what messages call it."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if reader := find_reader(head):
        file_tree = OneFileTree(path, budget, name)
        file_tree.labels = labels
        return labels.conclude(reader.read(file_tree, [path.name]))
    if head.startswith(b"PK\x03\x04"):
        tree = ZipTree(path, budget, name)
        tree.labels = labels
        samples = _read_tree(tree)
        return replace(samples, format=f"zip of {samples.format}")
    if is_tar(head):
        samples = _read_tree(TarTree(path, budget, name, labels))
        return replace(samples, format=f"tar of {samples.format}")
    raise csv_table.missing_pixels(name, head) or DataError(
        f"{name} has an unknown form: expected a {_FORMS} or zip file, or a folder of class folders."
    )


def _read_tree(tree: FileTree) -> Samples:
    """Read the files of a tree that a reader recognises, or else its pictures."""
    if not tree.paths:
        raise DataError(
            f"{tree.name} is empty: expected class folders with images, or a file of these forms: {_FORMS}."
        )
    _find_names(tree.labels, label_names.candidates(tree.paths), tree.open)
    return tree.labels.conclude(_read_files(tree))


def names_beside(path: Path) -> list[Path]:
    """Return the files beside a file that may name the numbers of its labels."""
    return [
        full for name in label_names.FILE_NAMES if (full := path.parent / name).is_file() and full != path
    ]


def _find_names(
    labels: LabelReader, names_files: list[str], open_file: Callable[[str], AbstractContextManager[BinaryIO]]
) -> None:
    """Give the numbers of the labels the names in the first of these files that has names."""
    for path in names_files:
        with open_file(path) as file:
            names = label_names.parse(file.read(label_names.MAX_BYTES + 1))
        if names:
            return labels.use_file(names, path)


def _read_files(tree: FileTree) -> Samples:
    non_images = [
        path for path in tree.paths if not has_picture_name(path) and not picture_lists.is_annotation(path)
    ]
    by_reader: dict[str, list[str]] = {}
    zips = []
    for path in non_images:
        with tree.open(path) as file:
            head = file.read(HEAD_BYTES)
        if reader := find_reader(head):
            by_reader.setdefault(reader.name, []).append(path)
        elif head.startswith(b"PK\x03\x04"):
            zips.append(path)
    for reader in READERS:
        if paths := by_reader.get(reader.name):
            return reader.read(tree, paths)
    if zips and len(non_images) == len(tree.paths):
        raise DataError(f"{tree.name} holds no images itself, but {zips[0]}: open that file.")
    return class_folders.read(tree)


def _synthetic(text: str, budget: Budget) -> Samples:
    """Draw `synthetic[:N[:SEED]]`, with options such as `?label_noise=0.1&imbalance=5` at the end."""
    main, _, knobs = text.partition("?")
    try:
        numbers = [int(part) for part in main.split(":")[1:]]
        options = {key: float(value) for key, value in parse_qsl(knobs, strict_parsing=True)} if knobs else {}
        if (
            len(numbers) > 2
            or not options.keys() <= {"label_noise", "imbalance"}
            or min(numbers, default=0) < 0
        ):
            raise ValueError
    except ValueError:
        raise DataError(
            f"{text!r} is not a synthetic source: expected synthetic[:N[:SEED]] such as synthetic:3500:0, "
            "perhaps with ?label_noise=0.1&imbalance=5."
        ) from None
    count, seed = (numbers + [synthetic.DEFAULT_COUNT, 0][len(numbers) :])[:2]
    budget.take_faces(text, count)
    images, labels = synthetic.draw_faces(count, seed, **options)
    splits = np.zeros(len(labels), np.int8)
    # Of every ten faces of a class, eight train, one validates and one tests.
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        splits[members] = np.maximum(np.arange(len(members)) % 10 - 7, 0)
    return Samples(images, labels, splits, np.arange(len(labels)), "synthetic")


def _kaggle_folder(text: str) -> str:
    """Return the local folder of a Kaggle data set, which kagglehub downloads once."""
    handle = text.removeprefix("kaggle:")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", handle):
        raise DataError(
            f"{text!r} is not a Kaggle data set: expected kaggle:OWNER/NAME such as kaggle:msambare/fer2013."
        )
    try:
        import kagglehub
    except ImportError:
        raise DataError("Kaggle data sets need the package kagglehub: pip install kagglehub.") from None
    try:
        return str(kagglehub.dataset_download(handle))
    except Exception as error:  # kagglehub passes on all errors of requests and of the Kaggle API
        raise DataError(
            f"{text} could not be downloaded ({reason(error)}): check the name, the connection and the "
            "Kaggle credentials."
        ) from None
