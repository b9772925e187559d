"""Annotated videos: boxes, numbers and labels of faces, as H.264 in MP4, which browsers can play."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from PIL import Image

from ..errors import VideoError
from ..inference.drawing import draw_marks, mark
from .reader import VideoReader
from .timeline import SeenFace, Timeline

_CLOCK = 90_000  # ticks per second, as usual in MPEG
_QUALITY = {"crf": "23", "preset": "veryfast"}


class VideoWriter:
    """MP4 file that is written frame by frame, as a context manager.

    The file exists only once it is complete.

    Raises:
        VideoError: The file cannot be written.
    """

    def __init__(self, out: str | Path | BinaryIO, width: int, height: int, rate: float) -> None:
        """Open the file.

        Args:
            out: A path, or a seekable binary file such as io.BytesIO.
            width, height: Of the frames; an odd last row or column is cut off, since H.264 encodes pixels in
                pairs.
            rate: Average frames per second.
        """
        import av

        self._path = Path(out) if isinstance(out, str | Path) else None
        self._partial = self._path.with_name(f".{self._path.name}.{os.getpid()}") if self._path else None
        self._width, self._height = max(2, width - width % 2), max(2, height - height % 2)
        # The index goes to the front, so that a browser can start to play; in memory FFmpeg cannot read the
        # data to move it.
        options = {"movflags": "faststart"} if self._partial else {}
        self._container = av.open(
            str(self._partial) if self._partial else out, "w", format="mp4", options=options
        )
        self._stream = self._container.add_stream(
            "libx264", rate=Fraction(rate).limit_denominator(1001), options=_QUALITY
        )
        self._stream.width, self._stream.height, self._stream.pix_fmt = self._width, self._height, "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _CLOCK)
        self._last = -1

    def write(self, time: float, pixels: np.ndarray) -> None:
        """Append a frame (H, W, 3) uint8 RGB that is shown from `time` seconds on."""
        import av

        if pixels.shape[:2] != (self._height, self._width):
            pixels = _fitted(pixels, self._width, self._height)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        self._last = frame.pts = max(self._last + 1, round(time * _CLOCK))
        frame.time_base = Fraction(1, _CLOCK)
        with self._errors_named():
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file."""
        with self._errors_named():
            self._container.mux(self._stream.encode(None))
            self._container.close()
            if self._path and self._partial:
                os.replace(self._partial, self._path)

    def abandon(self) -> None:
        """Discard the file."""
        with contextlib.suppress(Exception):  # the file is discarded anyway
            self._container.close()
        if self._partial:
            self._partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # no such folder, a full disk
            raise VideoError(
                f"{self._path or 'The video'} cannot be written: {error.strerror or error}."
            ) from None

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def annotate_video(
    source: str | Path | BinaryIO,
    timeline: Timeline,
    out: str | Path | BinaryIO,
    *,
    unsure_below: float = 0.0,
    on_progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> bool:
    """Write the video of `timeline` with a box, number and label on each face, without its sound.

    Args:
        source: The analysed video: a path or an open binary file.
        timeline: Result of `analyse_video`.
        out: Path of an MP4 file, or a seekable binary file such as io.BytesIO.
        unsure_below: Faces with less confidence are grey and called unsure.
        on_progress: Called after each frame with the share that is done, 0 to 1.
        cancelled: Called before each frame; True stops, and no file remains.

    Returns:
        Whether the video was written to the end.

    Raises:
        VideoError: The video cannot be read, or the file cannot be written.
    """
    with VideoReader(source, timeline.name) as video:
        writer = VideoWriter(out, video.width, video.height, video.rate)
        try:
            for frame in video.frames():
                if cancelled() or (not timeline.complete and frame.time > timeline.duration):
                    break
                writer.write(frame.time, annotated(frame.pixels, timeline.at(frame.time), unsure_below))
                on_progress(min(1.0, frame.time / video.duration) if video.duration else video.share_read)
            if cancelled():
                writer.abandon()
                return False
            writer.close()
        except BaseException:
            writer.abandon()
            raise
        return True


def annotated(pixels: np.ndarray, faces: list[SeenFace], unsure_below: float = 0.0) -> np.ndarray:
    """Return a frame (H, W, 3) uint8 RGB with the marks of its faces; without faces, the frame itself."""
    if not faces:
        return pixels
    picture = Image.fromarray(pixels)
    draw_marks(picture, [mark(face.box, face.probabilities, unsure_below, face.number) for face in faces])
    return np.asarray(picture)


def _fitted(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize a frame to the size of the first one, since a stream may change it."""
    if pixels.shape[0] - height in (0, 1) and pixels.shape[1] - width in (0, 1):
        return pixels[:height, :width]
    return np.asarray(Image.fromarray(pixels).resize((width, height)))
