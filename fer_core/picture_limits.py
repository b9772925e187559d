"""Limits of what a picture's file may cost beyond its pixels, checked before a decoder sees it.

`imaging` calls `check` for every picture. With Pillow 13 on one core, a JPEG of 36 megapixels in 310 scans
took 31 s, 50 MB of fill bytes 32 s and 58 MB of EXIF segments 16 s; a GIF with 20 MB of comments took 0.9 GB.
"""

from __future__ import annotations

import mmap
import re
import stat
from pathlib import Path

from .errors import ImageError

MAX_SCANS = 100  # of a JPEG; cameras and programs write 1 to 12
MAX_SCANNED = 1_500_000_000  # scans times pixels, some 4 s
_MAX_SEGMENTS = 2_000  # before the first scan of a JPEG; colour profiles and previews take some hundred
_MAX_METADATA = 16 << 20  # bytes
_MAX_COMMENTS = 1 << 20  # bytes before the first frame of a GIF
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers that give the size of a JPEG
_NO_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # in the data of a scan
_FILL = re.compile(rb"\xff+")

Content = bytes | mmap.mmap


def check(source: str | Path | bytes, name: str) -> None:
    """Check the file of a picture.

    Raises:
        ImageError: It is not a regular file, or would take far more time or memory than a picture does.
        OSError: It cannot be read.
    """
    if isinstance(source, bytes):
        _check(source, name)
        return
    mode = Path(source).stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ImageError(f"{name} is a pipe or a device: an image file was expected.")
    if stat.S_ISREG(mode) and Path(source).stat().st_size:
        with open(source, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _check(content, name)


def scan_count(content: Content) -> int:
    """Return how often a decoder goes over the pixels; 1 for anything but a JPEG."""
    return _read_jpeg(content, "")[0] if content[:2] == b"\xff\xd8" else 1


def _check(content: Content, name: str) -> None:
    if content[:2] == b"\xff\xd8":
        scans, pixels = _read_jpeg(content, name)
        if scans > MAX_SCANS or scans * pixels > max(MAX_SCANNED, 12 * pixels):
            raise ImageError(
                f"{name} is a JPEG of {scans:,} scans, which take too long: save it again as a usual JPEG."
            )
    elif content[:4] == b"GIF8":
        _check_gif(content, name)


def _read_jpeg(content: Content, name: str) -> tuple[int, int]:
    """Return the number of scans and of pixels; a damaged file is left to the decoder."""
    position, end, segments, pixels, scans = 2, len(content), 0, 0, 0
    while position < end - 3:
        fill = _FILL.match(content, position)
        if fill is None:  # Pillow skips bytes that are not a marker
            next_marker = content.find(b"\xff", position)
            if next_marker < 0:
                break
            position, segments = next_marker, segments + 1
            continue
        position = fill.end()
        if fill.end() - fill.start() > _MAX_SEGMENTS:
            raise ImageError(_too_much(name))
        marker = content[position] if position < end else 0xD9
        position += 1
        segments += 1
        if not scans and (segments > _MAX_SEGMENTS or position > _MAX_METADATA):
            raise ImageError(_too_much(name))
        if marker == 0xD9:
            break
        if marker in _NO_LENGTH or marker == 0:
            continue
        length = int.from_bytes(content[position : position + 2], "big")
        if marker in _FRAMES:
            height, width = (
                int.from_bytes(content[position + at : position + at + 2], "big") for at in (3, 5)
            )
            pixels = max(pixels, height * width)
        position += max(2, length)
        if marker == 0xDA:
            scans += 1
            following = _MARKER.search(content, position)
            if following is None or scans > MAX_SCANS:
                break
            position = following.start()
    return max(1, scans), pixels


def _check_gif(content: Content, name: str) -> None:
    """Walk over the comments of a GIF up to its first frame."""
    flags = content[10] if len(content) > 10 else 0
    start = position = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    blocks = 0
    while position < len(content) and content[position] == 0x21:
        position += 2
        while position < len(content) and (size := content[position]):
            position += size + 1
            blocks += 1
            if position - start > _MAX_COMMENTS or blocks > _MAX_SEGMENTS * 10:
                raise ImageError(_too_much(name))
        position += 1


def _too_much(name: str) -> str:
    return f"{name} holds far more notes than picture: save it again without its metadata."
