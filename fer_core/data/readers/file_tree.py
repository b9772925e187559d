"""Common view of the files of a folder, of a zip and of a single file. A zip is never unpacked to disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from ...errors import DataError, reason
from ...zip_file import MAX_MEMBERS, open_zip
from ..budget import Budget
from ..dataset import find_split
from ..labels import LabelReader

MAX_UNPACKED_BYTES = 8 << 30
# Pixels written as text are compressed to about a third, and no FER data to a hundredth.
MAX_RATIO = 100
_OTHER_FILES = 1000  # allowed in a zip beside the faces
_SMALL_BYTES = 16 << 20  # a column of 200,000 equal words is compressed as well

_STRAY_NAMES = {"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"}


class FileTree(Protocol):
    """Files by their paths below the top, with forward slashes."""

    name: str
    default_split: str  # of files whose path names none
    paths: list[str]  # sorted, without the stray files of file managers
    stray: list[str]
    budget: Budget  # of the files together
    labels: LabelReader  # of the files together

    def full_name(self, path: str) -> str:
        """Return the name of a file for error messages."""

    def read(self, path: str) -> bytes: ...

    def open(self, path: str) -> AbstractContextManager[BinaryIO]: ...

    def open_seekable(self, path: str) -> AbstractContextManager[BinaryIO]: ...


def is_stray(path: str) -> bool:
    """Return whether an operating system left this file behind (.DS_Store, Thumbs.db, __MACOSX/ ...)."""
    parts = PurePosixPath(path).parts or ("",)
    return parts[-1].lower() in _STRAY_NAMES or any(p.startswith(".") or p == "__MACOSX" for p in parts)


def split_of(path: str, otherwise: str = "train") -> str:
    """Return the split named by a file or its folders ("data/test-00000-of-00001.parquet" -> "test")."""
    pure = PurePosixPath(path)
    words = [w for part in reversed(pure.with_suffix("").parts) for w in re.split(r"[-_.\s]", part)]
    return next((s for s in map(find_split, words) if s), otherwise)


class FolderTree:
    """A folder on disk."""

    def __init__(self, root: Path, budget: Budget | None = None) -> None:
        self.budget, self.labels = budget or Budget(), LabelReader()
        self.name = str(root)
        self.default_split = find_split(root.resolve().name) or "train"
        self._root = root
        every = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
        self.paths = [p for p in every if not is_stray(p)]
        self.stray = [p for p in every if is_stray(p)]

    def full_name(self, path: str) -> str:
        return f"{self.name}/{path}"

    def read(self, path: str) -> bytes:
        return (self._root / path).read_bytes()

    def open(self, path: str) -> BinaryIO:
        return open(self._root / path, "rb")

    open_seekable = open

    def signature(self) -> str:
        """Return a hash that changes when a file is added, removed, resized or written."""
        digest = hashlib.sha256(os.fsencode(self._root.resolve()))
        for path in self.paths:
            stat = (self._root / path).stat()
            digest.update(os.fsencode(path) + f"\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        return digest.hexdigest()


class OneFileTree:
    """A single file, which is read like a folder that contains nothing else."""

    def __init__(self, path: Path, budget: Budget | None = None, name: str | None = None) -> None:
        self.budget, self.labels = budget or Budget(), LabelReader()
        self.name, self.default_split = name or str(path), "train"
        self.paths, self.stray = [path.name], list[str]()
        self._path = path

    def full_name(self, path: str) -> str:
        return self.name

    def read(self, path: str) -> bytes:
        return self._path.read_bytes()

    def open(self, path: str) -> BinaryIO:
        return open(self._path, "rb")

    open_seekable = open


class ZipTree:
    """The members of a zip file.

    Raises:
        DataError: The zip is damaged or encrypted, has members outside its folder, or unpacks to far more
            than expected.
    """

    def __init__(self, path: Path, budget: Budget | None = None, name: str | None = None) -> None:
        self.budget, self.labels = budget or Budget(), LabelReader()
        self.name, self.default_split = name or str(path), "train"
        try:
            self._zip = open_zip(path, self.name, min(MAX_MEMBERS, 2 * self.budget.max_faces + _OTHER_FILES))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DataError(
                f"{path} cannot be read as a zip ({reason(error)}): is the file complete?"
            ) from None
        # ZipInfo.is_dir fails on a member without a name.
        members = [m for m in self._zip.infolist() if not m.filename.endswith("/")]
        check_members(self.name, members)
        every = sorted(m.filename for m in members)
        self.paths = [p for p in every if not is_stray(p)]
        self.stray = [p for p in every if is_stray(p)]

    def full_name(self, path: str) -> str:
        return f"{self.name}/{path}"

    def read(self, path: str) -> bytes:
        self.budget.take_bytes(self.full_name(path), self._zip.getinfo(path).file_size)
        with self.open(path) as file:
            return file.read()

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        with damage_reported(f"{path} in {self.name}"), self._zip.open(path) as file:
            yield file  # type: ignore[misc]

    def open_seekable(self, path: str) -> BinaryIO:
        """Return a member in memory: a zip verifies its checksum only when it is read from start to end."""
        return io.BytesIO(self.read(path))


@contextlib.contextmanager
def damage_reported(name: str) -> Iterator[None]:
    """Raise errors of the standard library for damaged compressed data as one sentence.

    Raises:
        DataError: The data is damaged.
    """
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        UnicodeDecodeError,  # of a member's name
    ) as error:
        raise DataError(
            f"{name} is damaged or uses an unknown compression: "
            f"{reason(error) if str(error) else 'it ends too early'}."
        ) from None


def leads_outside(member: str) -> bool:
    """Return whether the name of a member of an archive leads outside its folder."""
    parts = PurePosixPath(member.replace("\\", "/")).parts
    absolute = member.startswith(("/", "\\")) or (bool(parts) and parts[0][1:2] == ":")
    return not parts or ".." in parts or absolute


def check_members(name: str, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive that escapes its folder or unpacks to far more than expected.

    Raises:
        DataError: The archive is refused; the message names the member.
    """
    total = packed = 0
    for member in members:
        if leads_outside(member.filename):
            raise DataError(f"{name} is refused: its member {member.filename!r} points outside the archive.")
        if member.flag_bits & 1:
            raise DataError(f"{name} is encrypted: unpack it with its password and open the folder instead.")
        total += member.file_size
        packed += member.compress_size
        if member.file_size > _SMALL_BYTES and member.file_size > MAX_RATIO * max(1, member.compress_size):
            raise DataError(
                f"{name} is refused: its member {member.filename!r} would unpack from "
                f"{member.compress_size:,} to {member.file_size:,} bytes, far more than pictures or tables "
                "do."
            )
        if total > MAX_UNPACKED_BYTES or (total > 4 * _SMALL_BYTES and total > MAX_RATIO * packed):
            raise DataError(
                f"{name} is refused: it would unpack from {packed:,} to at least {total:,} bytes, far more "
                "than pictures or tables do."
            )
