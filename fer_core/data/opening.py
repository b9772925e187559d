"""`open_dataset`: what a source is follows from its content, not from its name."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import parse_qsl

import numpy as np

from ..errors import DataError
from . import cache, recipe, synthetic, synthetic_drawing
from .dataset import Dataset, Samples, assemble, find_split
from .sources import class_folders, csv_table, npz, parquet
from .sources.file_tree import FileTree, FolderTree, ZipTree

_HEAD_BYTES = 1 << 16


def open_dataset(source: str | Path) -> Dataset:
    """Read a data set.

    Args:
        source: `synthetic[:N[:SEED]]`, `kaggle:OWNER/NAME`, or the path of a CSV, zip, parquet or npz file or of a folder.

    Raises:
        DataError: it cannot be read; one sentence says what was expected and what came.
    """
    text = str(source)
    if not text.strip():
        raise DataError(
            "No data source was named: expected a file, a folder, synthetic[:N[:SEED]] or kaggle:OWNER/NAME."
        )
    if text == "synthetic" or text.startswith("synthetic:") or text.startswith("synthetic?"):
        # The key holds the drawing code too, so that a changed face is drawn anew.
        code = b"".join(Path(str(module.__file__)).read_bytes() for module in (synthetic, synthetic_drawing))
        return _cached(hashlib.sha256(text.encode() + code).hexdigest(), text, lambda: _synthetic(text))
    if text.startswith("kaggle:"):
        return replace(open_dataset(_kaggle_folder(text)), source=text)
    try:
        path = Path(text).expanduser()
        if path.is_dir():
            folder = FolderTree(path)
            return _cached(
                folder.signature(),
                text,
                lambda: _read_tree(folder, find_split(path.resolve().name) or "train"),
            )
        if not path.is_file():
            raise DataError(
                f"{text} does not exist: expected a file, a folder, synthetic[:N[:SEED]] or kaggle:OWNER/NAME."
            )
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
        if recipe.is_recipe(head):  # not kept in the cache: its original is
            return recipe.open_recipe(path, text, open_dataset)
        stat = path.stat()
        key = hashlib.sha256(
            os.fsencode(path.resolve()) + f"\0{stat.st_size}\0{stat.st_mtime_ns}".encode()
        ).hexdigest()
        return _cached(key, text, lambda: _read_file(path))
    except OSError as error:
        raise DataError(f"{text} cannot be read: {error.strerror or error}.") from None
    except RuntimeError:  # ~somebody whose home nobody knows
        raise DataError(f"{text} does not exist: its home folder is not known.") from None
    except MemoryError:
        raise DataError(f"{text} does not fit into memory.") from None


def _cached(key: str, source: str, read: Callable[[], Samples]) -> Dataset:
    dataset = cache.load(key, source)
    if dataset is None:
        dataset = assemble(read(), source)
        cache.store(key, dataset)
    return dataset


def _read_file(path: Path) -> Samples:
    with open(path, "rb") as file:
        kind = _kind(file.read(_HEAD_BYTES))
    if kind == "zip":
        tree = ZipTree(path)
        if npz.is_npz(tree.paths):
            return npz.read(str(path), str(path))
        samples = _read_tree(tree, "train")
        return replace(samples, format=f"zip of {samples.format}")
    if kind == "parquet":
        return parquet.read(str(path), str(path), _split_of(path.name))
    if kind == "csv":
        return _read_tables(_OneFile(path), [path.name])
    raise DataError(
        f"{path} is of no known form: expected a CSV with pixels, a zip, parquet or npz file, or a folder of class folders."
    )


class _OneFile:
    """A single file as a tree, so that one CSV is read as a folder with one CSV is."""

    def __init__(self, path: Path) -> None:
        self.name, self.paths = str(path), [path.name]
        self.stray: list[str] = []
        self._path = path

    def read(self, path: str) -> bytes:
        return self._path.read_bytes()

    def open(self, path: str) -> BinaryIO:
        return open(self._path, "rb")


def _kind(head: bytes) -> str | None:
    """What a file is by its first bytes: zip, parquet, csv (text) or None."""
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(b"PAR1"):
        return "parquet"
    if b"\0" in head or not head.strip():
        return None
    header = csv_table.read_header(head)
    return "csv" if header.is_faces or len(header.names) > 1 else None


def _read_tree(tree: FileTree, default_split: str) -> Samples:
    if not tree.paths:
        raise DataError(
            f"{tree.name} is empty: expected class folders with images, or a CSV, parquet or npz file."
        )
    kinds: dict[str, list[str]] = {}
    for path in tree.paths:
        if not class_folders.is_image(path):
            with tree.open(path) as file:
                head = file.read(_HEAD_BYTES)
            kind = _kind(head)
            if kind == "csv" and not csv_table.read_header(head).is_faces:
                kind = None  # a README, a list of licences, the FER+ votes
            if kind == "zip" and path.endswith(".npz"):
                kind = "npz"
            if kind:
                kinds.setdefault(kind, []).append(path)
    if tables := kinds.get("csv"):
        return _read_tables(tree, tables)
    for kind, reader in (("parquet", _read_parquet), ("npz", _read_npz)):
        if found := kinds.get(kind):
            return _joined([reader(tree, path) for path in found])
    if not any(class_folders.is_image(p) for p in tree.paths) and (inner := kinds.get("zip")):
        raise DataError(f"{tree.name} holds no images itself, but {inner[0]}: open that file.")
    return class_folders.read(tree, default_split)


def _read_parquet(tree: FileTree, path: str) -> Samples:
    # Read as a whole: parquet jumps about in the file, and a zip checks its sums only when it is read straight through.
    return parquet.read(f"{tree.name}/{path}", io.BytesIO(tree.read(path)), _split_of(path))


def _read_npz(tree: FileTree, path: str) -> Samples:
    return npz.read(f"{tree.name}/{path}", io.BytesIO(tree.read(path)))


def _read_tables(tree: FileTree, paths: list[str]) -> Samples:
    """One table that has everything, or a labelled one for train and an unlabelled one for test."""
    headers = {}
    for path in paths:
        with tree.open(path) as file:
            headers[path] = csv_table.read_header(file.read(_HEAD_BYTES))
    if len(paths) == 1 and csv_table.looks_like_fer_plus(headers[paths[0]]):
        raise DataError(
            f"{tree.name} holds the FER+ votes, which come without images: open fer2013.csv instead."
        )
    complete = [p for p in paths if {"label", "split"} <= headers[p].found.keys()]
    if complete:
        chosen, left = complete[:1], [p for p in paths if p != complete[0]]
    else:
        chosen, left = paths, []
    many = len(paths) > 1
    parts = []
    for path in chosen:
        labelled = "label" in headers[path].found
        split = _split_of(path, "train" if labelled else "test") if many or not labelled else "train"
        name = f"{tree.name}/{path}" if many else tree.name
        with tree.open(path) as file:
            parts.append(csv_table.read(name, file, split))
    samples = _joined(parts)
    if left:
        note = f"{', '.join(left)} left aside: {chosen[0]} has labels and splits of its own."
        samples = replace(samples, warnings=(*samples.warnings, note))
    return samples


def _joined(parts: list[Samples]) -> Samples:
    if len(parts) == 1:
        return parts[0]
    return Samples(
        images=np.concatenate([p.images for p in parts]),
        labels=np.concatenate([p.labels for p in parts]),
        splits=np.concatenate([p.splits for p in parts]),
        rows=np.concatenate(
            [part.rows + offset for part, offset in zip(parts, _offsets(parts), strict=True)]
        ),
        format=parts[0].format,
        warnings=tuple(w for p in parts for w in p.warnings),
    )


def _offsets(parts: list[Samples]) -> list[int]:
    """What the rows of each part begin with, so that a row names one image of the whole source."""
    sizes = [int(part.rows.max()) + 1 if len(part.rows) else 0 for part in parts]
    return [sum(sizes[:i]) for i in range(len(parts))]


def _split_of(path: str, otherwise: str = "train") -> str:
    """The split that a file's name or folders tell ("data/test-00000-of-00001.parquet" -> "test")."""
    pure = PurePosixPath(path)
    words = [w for part in reversed(pure.with_suffix("").parts) for w in re.split(r"[-_.\s]", part)]
    return next((s for s in map(find_split, words) if s), otherwise)


def _synthetic(text: str) -> Samples:
    """`synthetic[:N[:SEED]]`, with `?label_noise=0.1&imbalance=5` behind it for the knobs."""
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
            f"{text!r} is no synthetic source: expected synthetic[:N[:SEED]] such as synthetic:3500:0, "
            "perhaps with ?label_noise=0.1&imbalance=5."
        ) from None
    count, seed = (numbers + [synthetic.DEFAULT_COUNT, 0][len(numbers) :])[:2]
    images, labels = synthetic.draw_faces(count, seed, **options)
    splits = np.zeros(len(labels), np.int8)
    for label in np.unique(labels):  # of every ten faces of a class, eight train, one validates and one tests
        members = np.flatnonzero(labels == label)
        splits[members] = np.maximum(np.arange(len(members)) % 10 - 7, 0)
    return Samples(images, labels, splits, np.arange(len(labels)), "synthetic")


def _kaggle_folder(text: str) -> str:
    """The local folder of a Kaggle data set, downloaded once by kagglehub."""
    handle = text.removeprefix("kaggle:")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", handle):
        raise DataError(
            f"{text!r} is no Kaggle data set: expected kaggle:OWNER/NAME such as kaggle:msambare/fer2013."
        )
    try:
        import kagglehub
    except ImportError:
        raise DataError("Kaggle data sets need the package kagglehub: pip install kagglehub.") from None
    try:
        return str(kagglehub.dataset_download(handle))
    except Exception as error:  # kagglehub lets through whatever requests and the Kaggle API raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{text} could not be downloaded ({reason[:200]}): check the name, the connection and the Kaggle credentials."
        ) from None
