"""Opening of zip files whose list of members is short enough to be read."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from .errors import DataError

MAX_MEMBERS = 1_000_000
# Of a member in the list at the end of a zip: signature, 24 bytes, lengths of name, extra field and comment.
_ENTRY = struct.Struct("<4s24xHHH12x")
_SIGNATURE = b"PK\x01\x02"


def open_zip(source: str | Path | BinaryIO, name: str, max_members: int = MAX_MEMBERS) -> zipfile.ZipFile:
    """Open a zip file for reading.

    `zipfile` keeps half a kilobyte for each member, and a zip of 50 MB may list a million of them: they are
    counted before.

    Args:
        source: Path or seekable binary file.
        name: Name of the file in error messages.
        max_members: Most members.

    Raises:
        DataError: It has more than `max_members` members.
        zipfile.BadZipFile: It is not a zip, or is damaged.
        OSError: It cannot be read.
    """
    if isinstance(source, str | Path):
        with open(source, "rb") as file:
            count = count_members(file, max_members)
    else:
        count = count_members(source, max_members)
        source.seek(0)
    if count > max_members:
        raise DataError(f"{name} has more than {max_members:,} files: split it, or take a part of them.")
    return zipfile.ZipFile(source)


def count_members(file: BinaryIO, at_most: int) -> int:
    """Count the members of a zip by the list at its end; more than `at_most` are not counted further.

    Raises:
        zipfile.BadZipFile: There is no such list.
    """
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # also reads the end record of Zip64
    if not end:
        raise zipfile.BadZipFile("File is not a zip file")
    size, start = end[5], end[9] - end[5]  # bytes of the list; it stands right before the end record
    if end[0] == b"PK\x06\x06":
        start -= 56 + 20  # the two records of Zip64
    if start < 0:
        raise zipfile.BadZipFile("Bad offset for central directory")
    file.seek(start)
    listed = io.BytesIO(file.read(size))
    count = 0
    while count <= at_most and len(head := listed.read(_ENTRY.size)) == _ENTRY.size:
        signature, name, extra, comment = _ENTRY.unpack(head)
        if signature != _SIGNATURE:
            break
        listed.seek(name + extra + comment, io.SEEK_CUR)
        count += 1
    return count
