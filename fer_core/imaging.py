"""Reading of pictures: to upright pixels and to the 48x48 grey input of the models.

Data sets, photos and webcam frames all pass through `to_grey_48`, so that training and prediction cannot
differ.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from . import picture_limits
from .deep_pixels import to_8_bit
from .errors import ImageError
from .picture_files import FORMATS, Source, content_of, name_of
from .wording import printable

MAX_PIXELS = 100_000_000  # a picture with a larger header is refused before it is decoded
SIZE = 48
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is the limit

# A picture that still has this many pixels when halved loses nothing: the smallest face that is found in it
# is still larger than the model's 48 pixels. A 50 megapixel JPEG is then decoded at a quarter of its pixels.
_ENOUGH_PIXELS = 12_000_000
_FRAMES = 20  # of a file with several pictures that are looked at at most
_FRAME_PIXELS = 2_000_000_000  # decoded on the way to them: a frame of a GIF builds on those before
_ORIENTATION = 0x0112  # EXIF
_BITS_PER_SAMPLE = 258  # TIFF
_LYING = (5, 6, 7, 8)  # its values for a picture stored on its side


@dataclass(frozen=True)
class Opened:
    """Picture of a file, upright and in mode L or RGB."""

    picture: Image.Image
    size: tuple[int, int]  # original width and height
    frame: int = 1  # number of the picture in its file
    frames: int = 1  # pictures in the file
    note: str = ""  # one sentence if a part of the file is missing


def open_image(source: Source, name: str | None = None) -> Image.Image:
    """Open an upright picture in mode L or RGB, the first one of its file.

    The EXIF orientation is applied, transparency becomes white, and more than 8 bits are scaled, see
    `deep_pixels`.

    Args:
        source: A path, the bytes of a file, a binary file, or a data: URI.
        name: Name in error messages; the path by default.

    Raises:
        ImageError: The file is missing, not a picture, damaged, or larger than MAX_PIXELS.
    """
    return next(iter(open_frames(source, name))).picture


def open_reduced(source: Source, name: str | None = None) -> Opened:
    """Open a picture for face detection: very large ones at a half, a quarter or an eighth of their sides.

    JPEGs are decoded at that size, others are averaged afterwards.

    Raises:
        ImageError: See `open_image`.
    """
    return next(iter(open_frames(source, name, smaller=True)))


def open_frames(source: Source, name: str | None = None, smaller: bool = False) -> Iterator[Opened]:
    """Yield the pictures of a file: the first, and up to 19 others spread over a GIF, WebP, APNG or TIFF.

    Args:
        source: A path, the bytes of a file, a binary file, or a data: URI.
        name: Name in error messages; the path by default.
        smaller: Reduce them for face detection, see `open_reduced`.

    Raises:
        ImageError: See `open_image`; only for the first picture, a later one ends the file.
    """
    name = printable(name) if name else name_of(source)
    content = content_of(source)
    with _opened(content, name) as image:
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        try:
            yield Opened(*_decoded(image, content, smaller), frames=frames)
        except OSError as error:
            if image.format not in ("JPEG", "MPO") or "truncated" not in str(error):
                raise
            yield _cut_off(content, name, smaller)
        most = min(frames, max(1, _FRAME_PIXELS // (image.width * image.height)))
        for index in sorted({round(i * (most - 1) / (_FRAMES - 1)) for i in range(1, _FRAMES)} - {0}):
            try:
                image.seek(index)
                opened = Opened(*_decoded(image, content, smaller), index + 1, frames)
            except Exception:  # as above
                return
            yield opened


def is_reduced(size: tuple[int, int]) -> bool:
    """Return whether a picture of this width and height is reduced by `open_reduced`."""
    return _factor(size) > 1


def reduced(picture: Image.Image) -> Image.Image:
    """Reduce an open picture in mode L or RGB as `open_reduced` does."""
    factor = _factor(picture.size)
    return picture if factor == 1 else picture.reduce(factor)


def _factor(size: tuple[int, int]) -> int:
    return next((factor for factor in (8, 4, 2) if size[0] * size[1] >= factor * factor * _ENOUGH_PIXELS), 1)


def size_of(source: Source, name: str | None = None) -> tuple[int, int]:
    """Return the width and height stored in a file, without decoding its pixels.

    Raises:
        ImageError: See `open_image`, as far as the header reveals it.
    """
    with _opened(content_of(source), printable(name) if name else name_of(source)) as image:
        return image.size


def _decoded(image: Image.Image, content: Path | bytes, smaller: bool) -> tuple[Image.Image, tuple[int, int]]:
    """Decode the present frame of an open file; return it and its upright width and height."""
    width, height = image.size
    if image.getexif().get(_ORIENTATION) in _LYING:
        width, height = height, width
    factor = _factor(image.size) if smaller else 1
    if factor > 1:
        # JPEG only; other formats ignore it.
        image.draft(image.mode, (image.width // factor, image.height // factor))
    decoded_smaller = image.size not in ((width, height), (height, width))
    if (deep := _deep_colour(image, content)) is not None:
        picture = upright(deep)
    else:
        image.load()
        picture = upright(image)
    return (picture if factor == 1 or decoded_smaller else picture.reduce(factor)), (width, height)


def _deep_colour(image: Image.Image, content: Path | bytes) -> Image.Image | None:
    """Return a picture of 16 bits a colour, of which Pillow reads the upper 8 alone; None for others."""
    if image.format == "PNG":
        with open(content, "rb") if isinstance(content, Path) else io.BytesIO(content) as file:
            bits, colours = file.read(26)[24:26]
        deep = bits == 16 and colours in (2, 4, 6)  # RGB, and grey or RGB with transparency
    else:
        bits_of_layers = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())
        deep = image.format == "TIFF" and image.mode in ("RGB", "RGBA") and set(bits_of_layers) == {16}
    if not deep or image.tell():  # OpenCV reads the first frame
        return None
    data = np.fromfile(content, np.uint8) if isinstance(content, Path) else np.frombuffer(content, np.uint8)
    values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        return None
    picture = to_8_bit(np.ascontiguousarray(values[..., 2::-1]))  # OpenCV's order is blue, green, red
    if values.shape[2] == 4:
        picture.putalpha(to_8_bit(values[..., 3]))
    if _ORIENTATION in image.getexif():
        picture.getexif()[_ORIENTATION] = image.getexif()[_ORIENTATION]
    return picture


def _cut_off(content: Path | bytes, name: str, smaller: bool) -> Opened:
    """Read a JPEG without its last bytes as far as it goes, as browsers do.

    Raises:
        ImageError: More than half of the rows are missing.
    """
    content = content.read_bytes() if isinstance(content, Path) else content
    with Image.open(io.BytesIO(content + b"\xff\xd9"), formats=FORMATS) as image:  # an end, so it is decoded
        picture, size = _decoded(image, content, smaller)
        stored = np.asarray(image.convert("L"))
    # The decoder fills the missing rows, to the end, with one grey.
    there = np.flatnonzero(np.ptp(stored, axis=1) > 2)
    share = (int(there[-1]) + 1) / len(stored) if len(there) else 0.0
    if share < 0.5:
        raise ImageError(
            f"{name} cannot be read as an image: it is cut off and more than half of it is missing, so get "
            "the file again."
        )
    return Opened(
        picture, size, note=f"The file is cut off: its last {max(1, round(100 * (1 - share)))}% are missing."
    )


@contextmanager
def _opened(source: Path | bytes, name: str) -> Iterator[Image.Image]:
    """Open a picture for the duration of the context and raise all its errors as ImageError."""
    _know_heif()
    # Pillow's decoders raise many kinds of errors (OSError, SyntaxError, struct.error ...) on damaged files.
    try:
        picture_limits.check(source, name)
        with Image.open(
            io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS
        ) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(
                    f"{name} has {image.width}x{image.height} pixels: at most {MAX_PIXELS // 10**6} "
                    "megapixels are read, so make it smaller first."
                )
            yield image
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(
            f"{name} has more than {MAX_PIXELS // 10**6} megapixels: make it smaller first."
        ) from None
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist.") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder: an image file was expected.") from None
    except PermissionError:
        raise ImageError(f"{name} may not be read: check its permissions.") from None
    except Exception:
        raise ImageError(
            f"{name} cannot be read as an image: expected an intact JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF "
            "or TIFF."
        ) from None


@lru_cache(maxsize=1)
def _know_heif() -> None:
    """Register the HEIF format of iPhones in Pillow once; libheif applies the orientation itself."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def upright(image: Image.Image) -> Image.Image:
    """Return a loaded picture in mode L or RGB with its EXIF orientation applied."""
    # Without this check it would be copied needlessly, 150 MB at 50 megapixels.
    if image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    return _to_8_bit(image)


def _to_8_bit(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        return to_8_bit(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        white = Image.new("RGB", rgba.size, "white")
        white.paste(rgba, mask=rgba)
        return white
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def from_array(pixels: np.ndarray) -> Image.Image:
    """Return a picture from an array (H, W) grey or (H, W, 3) RGB, uint8.

    Raises:
        ImageError: The array has another shape or type.
    """
    return Image.fromarray(pixels_of(pixels))


def pixels_of(pixels: np.ndarray) -> np.ndarray:
    """Return an array (H, W), (H, W, 1) or (H, W, 3) as (H, W) grey or (H, W, 3) RGB.

    Raises:
        ImageError: The array has another shape or type.
    """
    if (
        pixels.dtype != np.uint8
        or pixels.ndim not in (2, 3)
        or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3))
        or not pixels.size
    ):
        raise ImageError(
            f"Expected a uint8 array of shape (H, W) or (H, W, 3) in RGB order, got {pixels.dtype} "
            f"{pixels.shape}."
        )
    return np.ascontiguousarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def to_grey_48(image: Image.Image) -> np.ndarray:
    """Convert to (48, 48) uint8: ITU-R 601 luma, resized with an antialiased bilinear filter."""
    grey = image if image.mode == "L" else image.convert("L")
    if grey.size != (SIZE, SIZE):
        grey = grey.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(grey)
