"""Tar files, and files packed with gzip."""

from __future__ import annotations

import contextlib
import gzip
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ...errors import DataError, reason
from ...zip_file import MAX_MEMBERS
from ..budget import Budget, TooLargeError
from ..labels import LabelReader
from .file_tree import MAX_RATIO, MAX_UNPACKED_BYTES, damage_reported, is_stray, leads_outside

_CHUNK = 1 << 20
_SMALL_BYTES = 16 << 20  # which a file of any size may have when it is unpacked
_MAGIC = slice(257, 262)


def is_gzip(head: bytes) -> bool:
    """Return whether a file with these first bytes is packed with gzip."""
    return head.startswith(b"\x1f\x8b")


def is_tar(head: bytes) -> bool:
    """Return whether a file with these first bytes is a tar file."""
    return head[_MAGIC] == b"ustar"


@contextlib.contextmanager
def unpacked(path: Path, budget: Budget) -> Iterator[Path]:
    """Give the content of a gzip file as a temporary file, since tar and tables are read back and forth.

    Raises:
        DataError: The file is damaged, or unpacks to far more than expected.
    """
    most = min(budget.max_bytes, MAX_UNPACKED_BYTES, max(_SMALL_BYTES, MAX_RATIO * path.stat().st_size))
    with tempfile.TemporaryDirectory(prefix="fer-") as folder:
        target = Path(folder) / path.stem
        size = 0
        with damage_reported(str(path)), gzip.open(path, "rb") as source, open(target, "wb") as out:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise TooLargeError(
                        f"{path} is refused: it would unpack to more than {most:,} bytes, far more than "
                        "pictures or tables do."
                    )
                out.write(chunk)
        yield target


class TarTree:
    """The members of a tar file.

    Raises:
        DataError: The file is damaged, has too many members, or members outside its folder.
    """

    def __init__(self, path: Path, budget: Budget, name: str, labels: LabelReader) -> None:
        """Open a tar file.

        Args:
            path: The file, which is not packed.
            budget: What its files may take at most.
            name: The name of the file in error messages.
            labels: Gives the labels their meaning.
        """
        self.budget, self.labels, self.name, self.default_split = budget, labels, name, "train"
        most = min(MAX_MEMBERS, 2 * budget.max_faces + 1000)
        self._members: dict[str, tarfile.TarInfo] = {}
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115  # as long as the tree
            for count, member in enumerate(self._tar):
                if count >= most:
                    raise DataError(f"{name} has more than {most:,} members: take a part of it.")
                if member.isreg() and not member.issparse():
                    self._members[_checked(name, member.name)] = member
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            raise DataError(
                f"{name} cannot be read as a tar file ({reason(error)}): is it complete?"
            ) from None
        every = sorted(self._members)
        self.paths = [p for p in every if not is_stray(p)]
        self.stray = [p for p in every if is_stray(p)]

    def full_name(self, path: str) -> str:
        return f"{self.name}/{path}"

    def read(self, path: str) -> bytes:
        self.budget.take_bytes(self.full_name(path), self._members[path].size)
        with self.open(path) as file:
            return file.read()

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        with damage_reported(f"{path} in {self.name}"):
            file = self._tar.extractfile(self._members[path])
            assert file is not None  # it is a regular file
            with file:
                yield file  # type: ignore[misc]

    open_seekable = open


def _checked(name: str, member: str) -> str:
    """Return the path of a member.

    Raises:
        DataError: It leads outside the folder of the tar file.
    """
    if leads_outside(member):
        raise DataError(f"{name} is refused: its member {member!r} points outside the archive.")
    return PurePosixPath(member).as_posix()
