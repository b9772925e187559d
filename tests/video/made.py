"""Small videos in memory: the sample portrait moves over a grey picture."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

PORTRAIT = Path(__file__).resolve().parent.parent.parent / "pages" / "assets" / "portrait.jpg"
WIDTH, HEIGHT = 320, 240


def portrait(side: int = 200) -> Image.Image:
    return Image.open(PORTRAIT).convert("RGB").crop((80, 0, 380, 300)).resize((side, side))


def frame(*places: tuple[int, int], side: int = 160, size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    """A picture with the portrait at some places (left, top)."""
    picture = Image.new("RGB", size, "#606060")
    for place in places:
        picture.paste(portrait(side), place)
    return np.asarray(picture)


def video(
    frames: Iterable[np.ndarray],
    rate: int = 10,
    *,
    format: str = "mp4",
    codec: str = "libx264",
    prepare: Callable[[av.VideoStream], None] = lambda stream: None,
) -> bytes:
    """The bytes of a video with these frames."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format) as container:
        stream = container.add_stream(codec, rate=Fraction(rate))
        for i, pixels in enumerate(frames):
            if i == 0:
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
                prepare(stream)
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = i, Fraction(1, rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def moving(count: int = 20) -> list[np.ndarray]:
    """The portrait goes from the left to the right."""
    return [frame((i * 150 // count, 30)) for i in range(count)]
