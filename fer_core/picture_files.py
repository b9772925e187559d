"""What is a picture: one list of formats, decided by the first bytes of a file and not by its name."""

from __future__ import annotations

import base64
import binascii
import os
import re
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote_to_bytes

from .errors import ImageError
from .wording import printable

# Pillow's names of the formats that are read (MPO is opened as JPEG). Its others (EPS, PDF, FLI ...) only add
# risks.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "BMP", "GIF", "TIFF", "PPM")
# A file with such a name is meant to be a picture, so that its error is shown if it is not one.
SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".mpo", ".png", ".apng", ".webp", ".gif"),
        *(".heic", ".heif", ".hif", ".avif", ".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
    )
)
HEAD_BYTES = 64  # of a file, that `is_picture` needs
# ISO base media files that contain pictures; films have other brands.
_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}

# A path, the bytes of a file, an open binary file, or a data: URI.
Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


def has_picture_name(name: str) -> bool:
    """Return whether a file is named like a picture."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def is_picture(head: bytes) -> bool:
    """Return whether a file is a picture, by its first HEAD_BYTES bytes."""
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")):
        return True
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):  # TIFF and BigTIFF
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        return any(head[i : i + 4] in _BRANDS for i in (8, *range(16, len(head) - 3, 4)))
    if head.startswith(b"BM"):  # a text may begin so too: the size of the second header has few values
        return int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 64, 108, 124)
    return re.match(rb"P[1-6]\s++(?:#[^\r\n]*+\s++)*+\d+\s", head) is not None


def name_of(source: object) -> str:
    """Return the name of a source in error messages; it never contains the picture itself."""
    if isinstance(source, str) and source.startswith("data:"):
        return "the data: URI"
    if isinstance(source, str | os.PathLike):
        name = printable(os.fspath(source))
        return name if len(name) <= 200 else f"{name[:200]}..."
    own = getattr(source, "name", None)
    return printable(own) if isinstance(own, str) else "the picture"


def content_of(source: object) -> Path | bytes:
    """Return the path, or the bytes of a file, of any source.

    Raises:
        ImageError: The source is a URL, or of another kind; the message is one sentence.
    """
    if isinstance(source, bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, str):
        if source.startswith("data:"):
            return _decoded(source)
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", source):
            raise ImageError(
                f"{name_of(source)} is a URL: download the picture first and pass its path or bytes."
            )
    if isinstance(source, str | os.PathLike):
        return Path(os.fspath(source))
    if callable(read := getattr(source, "read", None)):
        content = read()
        if isinstance(content, bytes):
            return content
        raise ImageError(f"{name_of(source)} was opened as text: open it in binary mode, open(path, 'rb').")
    raise ImageError(
        "Expected a path, the bytes of a file, a binary file, a data: URI, a NumPy array or a Pillow image, "
        f"got {type(source).__name__}."
    )


def _decoded(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    try:
        if comma and head.endswith(";base64"):
            return base64.b64decode(unquote_to_bytes(body), validate=True)
        if comma:
            return unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        pass
    raise ImageError("The data: URI cannot be decoded: expected data:image/png;base64, and base64 text.")
