"""Streaming of video frames with PyAV: one is in memory at a time, and nothing is written to disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import VideoError
from ..picture_files import is_picture

if TYPE_CHECKING:
    import av

MAX_SECONDS = 600
MAX_SIDE = 4096  # pixels

# Containers that cameras, phones, browsers and editors write. FFmpeg's others are excluded: a playlist
# disguised as a video would open other files or addresses.
_OPTIONS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,gif",
    "protocol_whitelist": "",
}
SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mov",
    ".webm",
    ".mkv",
    ".avi",
    ".mpg",
    ".mpeg",
    ".ts",
    ".mts",
    ".m2ts",
    ".3gp",
    ".flv",
    ".ogv",
    ".wmv",
)


def is_video(name: str, head: bytes) -> bool:
    """Return whether a file is a video, by its first `HEAD_BYTES` bytes, or else by its name."""
    if is_picture(head):
        return False
    matroska = head.startswith(b"\x1aE\xdf\xa3")
    avi = head.startswith(b"RIFF") and head[8:12] == b"AVI "
    return head[4:8] == b"ftyp" or matroska or avi or name.lower().endswith(SUFFIXES)


@dataclass(frozen=True)
class Frame:
    """Frame of a video."""

    index: int  # from 0, of all frames of the file
    time: float  # seconds since its first frame
    pixels: np.ndarray  # (H, W, 3) uint8 RGB, upright


class VideoReader:
    """Open video file; use it as a context manager, or close it.

    Attributes:
        name: Name in error messages.
        width, height: Of the upright frames, in pixels. Pixels that are not square are made so.
        rate: Average frames per second.
        duration: Seconds; None if the file does not contain it.
        damaged: Parts of the file that could not be decoded so far, and were skipped.

    Raises:
        VideoError: The file is missing, not a video, damaged, without pictures, or longer or larger than the
            limits.
    """

    def __init__(
        self, source: str | Path | BinaryIO, name: str | None = None, max_seconds: float = MAX_SECONDS
    ) -> None:
        """Open the file.

        Args:
            source: A path, or an open binary file such as an upload.
            name: Name in error messages; the path by default.
            max_seconds: Length above which it is refused.
        """
        self._max_seconds = max_seconds
        self.name = name or (str(source) if isinstance(source, str | Path) else "The video")
        self.damaged = 0
        self._container: Any = None
        self._number = 0  # of the video stream
        self._close = contextlib.ExitStack()
        self._close.callback(lambda: self._container and self._container.close())
        self._file = self._opened(source)
        self._size = self._file.seek(0, 2)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _opened(self, source: str | Path | BinaryIO) -> BinaryIO:
        if not isinstance(source, str | Path):
            return source
        try:  # FFmpeg gets the open file, since it would take some names for addresses
            return self._close.enter_context(open(source, "rb"))
        except FileNotFoundError:
            raise VideoError(f"{self.name} does not exist.") from None
        except OSError as error:
            raise VideoError(f"{self.name} cannot be read: {error.strerror or error}.") from None

    def _open(self) -> None:
        import av

        av.logging.set_level(av.logging.PANIC)  # errors of a file are reported in one sentence instead
        if self._size == 0:
            raise VideoError(f"{self.name} is empty.")
        # The last three: a header that claims what the file does not contain.
        try:
            self._restart()
        except (
            av.FFmpegError,
            ValueError,
            IndexError,
            OverflowError,
            MemoryError,
        ):
            raise VideoError(
                f"{self.name} cannot be read as a video: expected an intact MP4, MOV, WebM, MKV or AVI file."
            ) from None
        every = [
            stream
            for stream in self._container.streams.video
            if not stream.disposition & stream.disposition.attached_pic
        ]
        streams = [stream for stream in every if stream.codec_context is not None]
        if every and not streams:
            raise VideoError(
                f"{self.name} is damaged or has an unknown codec: expected an intact MP4, "
                "MOV, WebM, MKV or AVI file."
            )
        if not streams:
            sound = " but sound" if self._container.streams.audio else ""
            raise VideoError(f"{self.name} contains nothing{sound}: expected a video with pictures.")
        self._number = streams[0].index
        self._restart()
        self.rate = float(self._stream.average_rate or self._stream.guessed_rate or 25)
        self.duration = self._duration()
        if self.duration is not None:
            self._check_time(self.duration)
        self._check_side(self._stream.codec_context.width, self._stream.codec_context.height)
        first = next(self._decoded(), None)
        if first is None:
            raise VideoError(
                f"{self.name} contains no frame that can be decoded: the file is damaged, or its codec is "
                "unknown."
            )
        self._start = first.time or 0.0
        self.height, self.width = self._pixels(first).shape[:2]
        self.damaged = 0

    def _duration(self) -> float | None:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return self._container.duration / 1e6 if self._container.duration else None

    def frames(self, *, every: int = 1, rate: float | None = None) -> Iterator[Frame]:
        """Yield the frames from the start, in their order.

        Args:
            every: Yield the first of so many frames.
            rate: Instead, yield at most so many frames per second: the first at or after each moment.

        Raises:
            VideoError: The video turns out to be longer or larger than the limits.
        """
        self._restart()
        due = 0.0
        for index, (time, decoded) in enumerate(self._timed()):
            self._check_time(time)
            if rate is None:
                due_now = index % every == 0
            else:
                due_now = time >= due - 1e-6
                if due_now:
                    due = max(due + 1 / rate, time)  # no catching up after a gap
            if due_now:
                yield Frame(index, time, self._pixels(decoded))

    def frame_at(self, time: float) -> Frame:
        """Return the frame shown at a time in seconds, or the last one.

        Its index is estimated from the frame rate.

        Raises:
            VideoError: No frame can be decoded there.
        """
        self._seek(time)
        last = self._last_until(time)
        # Some containers cannot be searched, or not well, such as an MPEG transport stream.
        if last is None or last[0] > time + 1e-6:
            self._restart()
            last = self._last_until(time)
        if last is None:
            raise VideoError(f"{self.name} has no frame at {time:.1f} s that can be decoded.")
        return Frame(round(last[0] * self.rate), last[0], self._pixels(last[1]))

    def _last_until(self, time: float) -> tuple[float, av.VideoFrame] | None:
        last = None
        for moment, decoded in self._timed():
            if last is not None and moment > time + 1e-6:
                break
            last = (moment, decoded)
        return last

    @property
    def share_read(self) -> float:
        """Return the share of the file's bytes read so far, for progress if the duration is unknown."""
        return min(1.0, self._file.tell() / self._size)

    def close(self) -> None:
        """Close the file, unless it was passed in open."""
        self._close.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _restart(self) -> None:
        """Open the file at its start; in some containers no other position can be reached."""
        import av

        if self._container is not None:
            self._container.close()
        self._file.seek(0)
        self._container = av.open(self._file, options=_OPTIONS, metadata_errors="ignore")
        self._stream = self._container.streams[self._number]

    def _seek(self, time: float) -> None:
        """Seek to the last keyframe before `time`."""
        import av

        with contextlib.suppress(av.FFmpegError):
            start = self._stream.start_time or 0
            self._container.seek(
                start + int(time / float(self._stream.time_base or 1)), stream=self._stream, backward=True
            )

    def _timed(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yield frames with their seconds since the first one.

        Those without a time follow the previous one.
        """
        time = -1 / self.rate
        for frame in self._decoded():
            time = time + 1 / self.rate if frame.time is None else max(0.0, frame.time - self._start)
            yield time, frame

    def _decoded(self) -> Iterator[Any]:
        """Yield decoded frames; damaged parts are skipped and counted, and a truncated file ends there."""
        import av

        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except av.FFmpegError:
                    self.damaged += 1
        except av.FFmpegError:
            self.damaged += 1

    def _pixels(self, frame: av.VideoFrame) -> np.ndarray:
        """Return (H, W, 3) uint8 RGB, rotated according to the file."""
        self._check_side(frame.width, frame.height)  # the size may change within a video
        aspect = self._stream.sample_aspect_ratio or 1
        width = frame.width if aspect == 1 else min(MAX_SIDE, max(1, round(frame.width * float(aspect))))
        pixels = frame.to_ndarray(format="rgb24", width=width, height=frame.height)
        quarters = round(frame.rotation / 90) % 4  # counterclockwise
        return np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels

    def _check_time(self, seconds: float) -> None:
        if seconds > self._max_seconds + 1:  # containers round
            minutes, rest = divmod(round(seconds), 60)
            raise VideoError(
                f"{self.name} lasts {minutes}:{rest:02} minutes or more: at most {self._max_seconds / 60:g} "
                "are read, so cut it."
            )

    def _check_side(self, width: int, height: int) -> None:
        if max(width, height) > MAX_SIDE:
            raise VideoError(
                f"{self.name} has {width}x{height} pixels: at most {MAX_SIDE} a side are read, so make it "
                "smaller."
            )
