"""Sources of a scoring job: a data set of faces, Parquet tables of any size, or photos.

Workers open them themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

import numpy as np

from ..album.source import Picture, file_is_picture, member_is_picture, read_file, read_member
from ..data import Dataset, open_dataset
from ..data.opening import names_beside
from ..data.readers import label_names
from ..emotions import NAMES, find
from ..errors import DataError
from ..label_options import LabelOptions, join_source, split_source
from .face_tables import FaceTables

Kind = Literal["faces", "photos"]
_LOOK_AT = 1000  # pictures, to distinguish class folders from photos
_ASIDE = (".md", ".txt", ".json")  # files that may lie beside the tables of a folder


@dataclass(frozen=True)
class Faces:
    """Faces of a source that could be read."""

    images: np.ndarray  # (n, 48, 48) uint8
    rows: np.ndarray  # (m,) int64, position in the source, including unreadable ones (m >= n)
    truth: list[str | None]  # (m,) the source's own labels
    errors: dict[int, str]  # reasons why faces could not be read, by position 0 to m - 1


class Source(Protocol):
    """Items in a fixed order."""

    @property
    def kind(self) -> Kind: ...
    @property
    def count(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...
    def names(self, start: int, stop: int) -> tuple[str, ...]: ...


@dataclass
class DatasetFaces:
    """Faces of `open_dataset`.

    From 2,000 images on a worker maps the parsed data into memory and reads only its parts.
    """

    source: str
    count: int
    fingerprint: str
    kind: Kind = "faces"
    _opened: Dataset | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_opened": None}

    def names(self, start: int, stop: int) -> tuple[str, ...]:
        return ()

    def read(self, start: int, stop: int) -> Faces:
        """Read a range of faces.

        Raises:
            DataError: The data has changed since the job began.
        """
        if self._opened is None:
            self._opened = open_dataset(self.source)
        data = self._opened
        if data.fingerprint != self.fingerprint:
            raise DataError(
                f"{self.source} holds other data for a worker than where the job began: is it the same "
                "file on all machines?"
            )
        truth = [None if code < 0 else data.label_names[code] for code in data.labels[start:stop].tolist()]
        return Faces(
            np.ascontiguousarray(data.images[start:stop]), data.rows[start:stop].astype(np.int64), truth, {}
        )


@dataclass
class TableFaces:
    """Parquet files with one encoded face per row. A worker reads only the rows that it scores."""

    files: tuple[tuple[str, int], ...]  # path and number of rows
    fingerprint: str
    kind: Kind = "faces"
    _opened: FaceTables | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_opened": None}

    @property
    def count(self) -> int:
        return sum(rows for _, rows in self.files)

    def names(self, start: int, stop: int) -> tuple[str, ...]:
        return ()

    def read(self, start: int, stop: int) -> Faces:
        """Read a range of faces.

        Raises:
            DataError: A file has changed or is damaged.
        """
        if self._opened is None:
            self._opened = FaceTables(self.files)
        images, truth, errors = self._opened.take(start, stop)
        names = [None if code is None else NAMES[code] for code in truth]
        return Faces(images, np.arange(start, stop), names, errors)


@dataclass
class Photos:
    """Photos of a folder or zip, by name."""

    path: str
    count: int
    fingerprint: str
    kind: Kind = "photos"
    # Only where the job began, not in workers.
    _names: list[str] = field(default_factory=list, repr=False, compare=False)
    _zip: zipfile.ZipFile | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_names": [], "_zip": None}

    def names(self, start: int, stop: int) -> tuple[str, ...]:
        return tuple(self._names[start:stop])

    def pictures(self, names: tuple[str, ...]) -> list[Picture]:
        """Return pictures that are read on demand."""
        folder = Path(self.path)
        if folder.is_dir():
            return [Picture(name, partial(read_file, folder / name, name)) for name in names]
        if self._zip is None:
            self._zip = zipfile.ZipFile(folder)
        return [Picture(name, partial(read_member, self._zip, self._zip.getinfo(name))) for name in names]


def open_source(source: str, kind: Kind | None = None) -> DatasetFaces | TableFaces | Photos:
    """Inspect a source.

    Args:
        source: See `open_dataset`, or a folder or zip of photos.
        kind: "faces" or "photos"; None takes pictures outside class folders as photos, and everything else as
            faces.

    Raises:
        DataError: The source cannot be read, or is empty.
    """
    if not source.strip():
        raise DataError("No source was named: expected a data set of faces, or a folder or zip of photos.")
    location, options = split_source(source)
    path = Path(location).expanduser()
    try:
        if kind is None:
            kind = "photos" if _looks_like_photos(path) else "faces"
        if kind == "photos":
            return _photos(path)
        # Tables are read part by part where they name their own labels.
        if options == LabelOptions() and not _names_files(path) and (files := _tables(path)):
            return _table_faces(source, files)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
        raise DataError(
            f"{source} is not a zip or is damaged: expected a data set of faces, or a folder or zip of "
            "photos."
        ) from None
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}.") from None
    data = open_dataset(source)
    named = join_source(str(path.resolve()), options) if path.exists() else source
    return DatasetFaces(named, len(data), data.fingerprint)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield names below `folder`, with "/" between folders, and paths of all files, in any order."""
    for top, _, files in os.walk(folder):
        for file in files:
            path = Path(top, file)
            yield path.relative_to(folder).as_posix(), path


def _looks_like_photos(path: Path) -> bool:
    if path.is_dir():
        names: Iterator[str] = (name for name, file in _walk(path) if file_is_picture(name, file))
    elif path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = (m for m in archive.infolist() if member_is_picture(archive, m))
            names = iter([member.filename for member in islice(members, _LOOK_AT)])
    else:
        return False
    some = list(islice(names, _LOOK_AT))
    return bool(some) and not any(
        _names_class(folder) for name in some for folder in PurePosixPath(name).parts[:-1]
    )


def _names_class(folder: str) -> bool:
    """Return whether a folder names a class, by a word or as FER2013's code; a year does not."""
    return find(folder) is not None or folder in {str(code) for code in range(len(NAMES))}


def _photos(path: Path) -> Photos:
    """Build the source of photos.

    The fingerprint covers names and sizes, and in a zip checksums, not the content of the photos.
    """
    if path.is_dir():
        lines = sorted(
            f"{name}\0{file.stat().st_size}" for name, file in _walk(path) if file_is_picture(name, file)
        )
    elif path.is_file():
        with zipfile.ZipFile(path) as archive:
            # Of two members with the same name only the last can be read.
            members = {
                member.filename: member for member in archive.infolist() if member_is_picture(archive, member)
            }
        lines = sorted(f"{name}\0{member.file_size}\0{member.CRC}" for name, member in members.items())
    else:
        raise DataError(f"{path} does not exist: expected a folder or zip of photos.")
    if not lines:
        raise DataError(f"{path} holds no photo: expected files such as .jpg, .png, .webp or .heic.")
    return Photos(
        str(path.resolve()), len(lines), _hash(lines), _names=[line.split("\0", 1)[0] for line in lines]
    )


def _names_files(path: Path) -> bool:
    """Return whether a file in a folder, or beside a file, may name the numbers of the labels."""
    if path.is_dir():
        return bool(label_names.candidates(name for name, _ in _walk(path)))
    return path.is_file() and bool(names_beside(path))


def _tables(path: Path) -> list[Path]:
    """Return the Parquet files of a source without other data."""
    if path.is_file():
        with open(path, "rb") as file:
            return [path] if file.read(4) == b"PAR1" else []
    if not path.is_dir():
        return []
    files = []
    for name, file_path in _walk(path):
        if any(part.startswith(".") for part in PurePosixPath(name).parts) or name.lower().endswith(_ASIDE):
            continue
        if not name.lower().endswith(".parquet"):
            return []
        files.append(file_path)
    return sorted(files, key=lambda file: file.relative_to(path).as_posix())


def _table_faces(source: str, files: list[Path]) -> TableFaces:
    """Build the source of tables.

    The fingerprint covers file sizes and footers, which contain the size and bounds of every column chunk.
    """
    from ..data.readers import parquet

    counted, lines = [], []
    for path in files:
        metadata = parquet.open_table(str(path), str(path)).file.metadata
        counted.append((str(path.resolve()), metadata.num_rows))
        lines.append(json.dumps([path.stat().st_size, metadata.num_rows, _footer(path)]))
    if not sum(rows for _, rows in counted):
        raise DataError(f"{source} holds no faces.")
    return TableFaces(tuple(counted), _hash(lines))


def _footer(path: Path) -> str:
    with open(path, "rb") as file:
        file.seek(-8, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-8 - length, os.SEEK_END)
        return hashlib.sha256(file.read(length)).hexdigest()


def _hash(lines: list[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()[:16]
