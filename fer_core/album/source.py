"""Pictures of an album, read one at a time: nothing is unpacked to disk, and a zip cannot fill the memory."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ..errors import DataError, ImageError
from ..picture_files import HEAD_BYTES, content_of, has_picture_name, is_picture
from ..video.reader import SUFFIXES
from ..wording import printable
from ..zip_file import open_zip

MAX_PICTURES = 5_000
_MAX_MEMBERS = 50_000  # of a zip: pictures, and whatever lies beside them
MAX_BYTES = 200 * 2**20  # per picture; an uncompressed one of 50 megapixels takes 150 MB
# Unpacked to packed size; photos hardly shrink, and a uniformly grey picture by up to 1,000 times.
MAX_RATIO = 200
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_RATIO_FROM = 2**24  # bytes: smaller members may have any ratio


@dataclass(frozen=True)
class Picture:
    """Picture that has not been read yet."""

    name: str  # with its folders inside the source, "/" between them
    _read: Callable[[], bytes]

    def read(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            ImageError: The file cannot be read, or is larger than the limits.
        """
        return self._read()


def pictures(
    source: str | Path | BinaryIO | Sequence[tuple[str, bytes]] | Sequence[str | Path],
) -> list[Picture]:
    """List the pictures in `source`, sorted by name; each is read on demand.

    Args:
        source: A folder (with its subfolders), the path of a zip file, a zip as an open binary file, or a
            list of paths or of (name, bytes). In folders and zips only files that are pictures, by their name
            or their content, and that are not hidden count; a list is used as it is.

    Raises:
        DataError: The folder or file does not exist, is not a zip, or contains no pictures or too many.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir():
            pictures_found = _in_folder(path)
        elif path.is_file():
            pictures_found = _in_zip(path, str(path))
        else:
            raise DataError(f"{path} does not exist: expected a folder or a zip with pictures.")
        named = str(path)
    elif isinstance(source, Sequence):
        pictures_found, named = [_listed(entry) for entry in source], "The list"
    else:
        named = str(getattr(source, "name", None) or "The file")
        pictures_found = _in_zip(source, named)
    if not pictures_found:
        raise DataError(f"{named} holds no picture: expected files such as .jpg, .png, .webp or .heic.")
    if len(pictures_found) > MAX_PICTURES:
        raise DataError(
            f"{named} holds {len(pictures_found):,} pictures: at most {MAX_PICTURES:,} are analysed at once, "
            "so split it."
        )
    return pictures_found


@dataclass(frozen=True)
class Video:
    """Video that has not been read yet."""

    name: str  # with its folders inside the source, "/" between them
    _open: Callable[[], Path | BinaryIO]

    def open(self) -> Path | BinaryIO:
        """Return its path, or the open file for a member of a zip, which is unpacked into memory.

        Raises:
            ImageError: It cannot be unpacked, or is larger than the limits.
        """
        return self._open()


def videos(source: str | Path | BinaryIO) -> list[Video]:
    """List the videos in a folder (with its subfolders) or a zip by their names' endings, sorted by name.

    Args:
        source: A folder, the path of a zip file, or a zip as an open binary file.

    Raises:
        DataError: The folder or file does not exist, or is not a zip.
    """
    if isinstance(source, str | Path):
        source = Path(source)
        if source.is_dir():
            return [
                Video(printable(name), partial(Path, file))
                for file in sorted(source.rglob("*"))
                for name in [file.relative_to(source).as_posix()]
                if _has_video_name(name) and file.is_file()
            ]
    archive = _opened_zip(source, str(source) if isinstance(source, Path) else "The file")
    members = sorted(archive.infolist(), key=lambda member: member.filename)
    return [
        Video(_slashes(member.filename), partial(_member_in_memory, archive, member))
        for member in members
        if _has_video_name(_slashes(member.filename))
    ]


def _has_video_name(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not _hidden(name)


def _member_in_memory(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    return io.BytesIO(read_member(archive, member))


def _listed(entry: str | Path | tuple[str, bytes]) -> Picture:
    if isinstance(entry, tuple):
        name, content = entry
        return Picture(printable(name), lambda: content)
    name = printable(str(entry))
    return Picture(name, partial(_read_listed, entry, name))


def _read_listed(entry: str | Path, name: str) -> bytes:
    content = content_of(entry)  # refuses a URL
    return content if isinstance(content, bytes) else read_file(content, name)


def _in_folder(folder: Path) -> list[Picture]:
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and file_is_picture(path.relative_to(folder).as_posix(), path)
    )
    return [
        Picture(name, partial(read_file, path, name))
        for path in paths
        for name in [printable(path.relative_to(folder).as_posix())]
    ]


def read_file(path: Path, name: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist.") from None
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error.strerror or error}.") from None
    if len(content) > MAX_BYTES:
        raise ImageError(_too_large(name))
    return content


def _opened_zip(source: Path | BinaryIO, named: str) -> zipfile.ZipFile:
    try:
        return open_zip(source, named, _MAX_MEMBERS)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise DataError(
            f"{named} is not a zip, or a damaged one: expected a folder or a zip with pictures."
        ) from None


def _in_zip(source: Path | BinaryIO, named: str) -> list[Picture]:
    archive = _opened_zip(source, named)
    members = sorted(archive.infolist(), key=lambda member: member.filename)
    return [
        Picture(_slashes(member.filename), partial(read_member, archive, member))
        for member in members
        if member_is_picture(archive, member)
    ]


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member.

    The size in its header is not trusted, so at most the limit is unpacked.
    """
    name = _slashes(member.filename)
    if member.file_size > MAX_BYTES:
        raise ImageError(_too_large(name))
    if member.file_size > max(_RATIO_FROM, MAX_RATIO * member.compress_size):
        raise ImageError(
            f"{name} would grow more than {MAX_RATIO} times when unpacked: no photo does, so it is left out."
        )
    if member.flag_bits & 1:
        raise ImageError(f"{name} is encrypted: expected a zip without a password.")
    try:
        with archive.open(member) as file:
            content = file.read(MAX_BYTES + 1)
    except _UNREADABLE:
        raise ImageError(
            f"{name} cannot be unpacked: the zip is damaged there, or uses an unknown compression."
        ) from None
    if len(content) > MAX_BYTES:
        raise ImageError(_too_large(name))
    return content


def _too_large(name: str) -> str:
    return f"{name} has more than {MAX_BYTES // 2**20} MB: make it smaller first."


def file_is_picture(name: str, path: Path) -> bool:
    """Return whether a file of a folder is a picture that is not hidden; `name` is that below the folder."""
    if _hidden(name):
        return False
    if has_picture_name(name):
        return True
    try:
        with open(path, "rb") as file:
            return is_picture(file.read(HEAD_BYTES))
    except OSError:
        return False


def member_is_picture(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Return whether a member of a zip is a picture that is not hidden."""
    name = _slashes(member.filename)
    if name.endswith("/") or _hidden(name):
        return False
    if has_picture_name(name):
        return True
    try:
        with archive.open(member) as file:
            return is_picture(file.read(HEAD_BYTES))
    except _UNREADABLE:
        return False


def _slashes(name: str) -> str:
    """Return the name of a zip's member with "/" between folders, as some programs on Windows do not."""
    return printable(name.replace("\\", "/"))


def _hidden(name: str) -> bool:
    return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in name.split("/"))
