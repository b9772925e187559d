"""Frames of video files: in order, with the right times, upright; other files are refused in one sentence."""

from __future__ import annotations

import io
import os
import threading
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from fer_core.errors import VideoError
from fer_core.video import VideoReader
from fer_core.video import reader as reader_module

from . import made


def counted(count: int = 24) -> list[np.ndarray]:
    """Return frames of increasing brightness."""
    return [np.full((96, 128, 3), 10 * i, np.uint8) for i in range(count)]


def number(pixels: np.ndarray) -> int:
    return round(float(pixels.mean()) / 10)


@pytest.mark.parametrize(
    ("format", "codec"),
    [
        ("mp4", "libx264"),
        ("mov", "libx264"),
        ("webm", "libvpx-vp9"),
        ("matroska", "mpeg4"),
        ("avi", "mpeg4"),
        ("mpegts", "libx264"),
    ],
)
def test_frames_of_every_container(format: str, codec: str, tmp_path: Path) -> None:
    content = made.video(counted(), format=format, codec=codec)
    (tmp_path / "a.video").write_bytes(content)
    for source in (io.BytesIO(content), tmp_path / "a.video", str(tmp_path / "a.video")):
        with VideoReader(source) as video:
            assert (video.width, video.height, video.rate) == (128, 96, 10)
            assert video.duration == pytest.approx(2.4, abs=0.15)
            frames = list(video.frames())
            assert [number(frame.pixels) for frame in frames] == list(range(24))
            assert [frame.time for frame in frames] == pytest.approx([i / 10 for i in range(24)], abs=0.002)
            assert [frame.index for frame in video.frames(every=7)] == [0, 7, 14, 21]  # it can be read again
            assert [number(video.frame_at(time).pixels) for time in (1.75, 0.0, 0.31, 99)] == [17, 0, 3, 23]


def test_a_rate_takes_the_first_frame_at_or_after_each_moment() -> None:
    with VideoReader(io.BytesIO(made.video(counted()))) as video:
        assert [frame.index for frame in video.frames(rate=4)] == [0, 3, 5, 8, 10, 13, 15, 18, 20, 23]
        assert len(list(video.frames(rate=100))) == 24


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (-90, 3), (180, 2)])
def test_videos_of_phones_are_turned_upright(degrees: int, turns: int) -> None:
    pixels = np.zeros((96, 128, 3), np.uint8)
    pixels[:40, :40] = 250  # in the upper left corner
    content = made.video([pixels] * 3, prepare=lambda stream: stream.set_display_rotation(degrees))
    with VideoReader(io.BytesIO(content)) as video:
        frame = next(video.frames()).pixels
        expected = np.rot90(pixels, turns)  # counterclockwise, as FFmpeg's display matrix counts
        assert (video.height, video.width) == frame.shape[:2] == expected.shape[:2]
        assert np.abs(frame.astype(int) - expected).mean() < 5


def test_pixels_that_are_not_square_are_made_so() -> None:
    def wide(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)

    with VideoReader(io.BytesIO(made.video(counted(3), prepare=wide))) as video:
        assert next(video.frames()).pixels.shape == (96, 192, 3) and (video.width, video.height) == (192, 96)


def sound() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def test_what_is_no_video_is_one_sentence(tmp_path: Path) -> None:
    whole = made.video(counted())
    bad = {
        "empty.mp4": (b"", "is empty"),
        "text.mp4": (b"no video" * 200, "cannot be read as a video"),
        "cut.mp4": (whole[: len(whole) // 2], "cannot be read as a video"),
        "photo.mp4": (made.PORTRAIT.read_bytes(), "cannot be read as a video"),
        "song.mp4": (sound(), "contains nothing but sound"),
    }
    for name, (content, message) in bad.items():
        with pytest.raises(VideoError, match=message) as caught:
            VideoReader(io.BytesIO(content), name)
        assert str(caught.value).startswith(name) and "\n" not in str(caught.value)
    with pytest.raises(VideoError, match=r"nowhere.mp4 does not exist"):
        VideoReader(tmp_path / "nowhere.mp4")
    with pytest.raises(VideoError, match="cannot be read"):
        VideoReader(tmp_path)


def test_a_video_that_breaks_off_is_read_so_far() -> None:
    content = made.video([made.frame((5 * i, 30)) for i in range(30)], format="matroska")
    with VideoReader(io.BytesIO(content[: len(content) * 2 // 3])) as video:
        assert 0 < len(list(video.frames())) < 30


def test_damage_in_between_is_skipped_and_counted() -> None:
    content = bytearray(
        made.video([made.frame((5 * i, 30)) for i in range(30)], format="matroska", codec="mpeg4")
    )
    rng = np.random.default_rng(0)
    for place in rng.integers(len(content) // 3, len(content) // 2, 300):
        content[place] = 0
    with VideoReader(io.BytesIO(bytes(content))) as video:
        assert len(list(video.frames())) > 5


def test_limits_say_which_was_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = made.video(counted())
    monkeypatch.setattr(reader_module, "MAX_SIDE", 100)
    with pytest.raises(VideoError, match=r"has 128x96 pixels: at most 100 a side"):
        VideoReader(io.BytesIO(content))
    monkeypatch.setattr(reader_module, "MAX_SIDE", 4096)
    with pytest.raises(VideoError, match=r"lasts 0:02 minutes or more"):
        VideoReader(io.BytesIO(content), max_seconds=1)
    # A container without a duration is stopped on the way.
    monkeypatch.setattr(VideoReader, "_duration", lambda self: None)
    with VideoReader(io.BytesIO(content), max_seconds=1) as video, pytest.raises(VideoError, match="lasts"):
        list(video.frames())


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    """A playlist disguised as a video cannot make the machine open addresses or other files."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "other.ts").write_bytes(made.video(counted(), format="mpegts"))
    try:
        for address in (
            f"http://127.0.0.1:{server.server_port}/a.ts",
            f"file:{tmp_path}/other.ts",
            "other.ts",
        ):
            playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{address}\n#EXT-X-ENDLIST\n"
            (tmp_path / "list.mp4").write_text(playlist)
            (tmp_path / "list.m3u8").write_text(playlist)
            (tmp_path / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{address}'\n")
            for name in ("list.mp4", "list.m3u8", "concat.mp4"):
                with pytest.raises(VideoError, match="cannot be read as a video"):
                    VideoReader(tmp_path / name)
        with pytest.raises(VideoError, match="does not exist"):
            VideoReader(f"http://127.0.0.1:{server.server_port}/a.mp4")
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_closed_reader_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(made.video(counted()))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with VideoReader(tmp_path / "a.mp4") as video:
            next(video.frames())
    upload = io.BytesIO((tmp_path / "a.mp4").read_bytes())
    with VideoReader(upload) as video:
        next(video.frames())
    assert len(os.listdir("/proc/self/fd")) == before and not upload.closed
