"""Bounds on what a source of faces may take, so that it is refused before it takes memory or time."""

from __future__ import annotations

import threading

from ..errors import DataError

MAX_FACES = 2_000_000
MAX_BYTES = 8 << 30  # unpacked
MAX_FACE_PIXELS = 4_000_000  # of a picture in a data set: the network sees 48x48 of them
# Pictures of 224x224 have 50,000 pixels. Some 100 megapixels are decoded in a second.
_PIXELS_PER_FACE = 60_000


class TooLargeError(DataError):
    """The source as a whole is refused, not only one of its pictures."""


class Budget:
    """Faces, bytes and pixels that a source may still take; readers take them before they read."""

    def __init__(self, faces: int = MAX_FACES, unpacked: int = MAX_BYTES) -> None:
        """Create the budget of one source.

        Args:
            faces: Most faces.
            unpacked: Most bytes of what is unpacked from zips, tables and arrays.
        """
        self.max_faces, self.max_bytes, self.max_pixels = faces, unpacked, faces * _PIXELS_PER_FACE
        self._faces = self._bytes = self._pixels = 0
        self._lock = threading.Lock()

    def take_faces(self, name: str, count: int) -> None:
        """Take `count` faces of the file `name`.

        Raises:
            TooLargeError: There are too many.
        """
        with self._lock:
            self._faces += count
            if self._faces > self.max_faces:
                raise TooLargeError(
                    f"{name} has {self._faces:,} faces: at most {self.max_faces:,} are read, so take a part "
                    "of them."
                )

    def take_bytes(self, name: str, count: int) -> None:
        """Take `count` unpacked bytes of the file `name`.

        Raises:
            TooLargeError: There are too many.
        """
        with self._lock:
            self._bytes += count
            if self._bytes > self.max_bytes:
                raise TooLargeError(
                    f"{name} has {self._bytes / 1e6:,.0f} MB unpacked: at most "
                    f"{self.max_bytes / 1e6:,.0f} MB are read, so take a part of it."
                )

    def take_pixels(self, name: str, width: int, height: int, count: int = 1) -> None:
        """Take the pixels of `count` pictures of the same size.

        Raises:
            DataError: One picture alone is too large.
            TooLargeError: All pictures together are too large.
        """
        if width * height > MAX_FACE_PIXELS:
            raise DataError(
                f"{name} has {width}x{height} pixels: at most {MAX_FACE_PIXELS // 10**6} megapixels are read "
                "of a face, so make it smaller."
            )
        with self._lock:
            self._pixels += width * height * count
            if self._pixels > self.max_pixels:
                raise TooLargeError(
                    f"The pictures up to {name} have more than {self.max_pixels / 1e6:,.0f} megapixels "
                    "together: make them smaller, 48x48 is enough."
                )
