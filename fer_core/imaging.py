"""Reading of pictures: to upright pixels and to the 48x48 grey input of the models.

Data sets, photos and webcam frames all pass through `to_grey_48`, so that training and prediction cannot
differ.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .errors import ImageError

MAX_PIXELS = 100_000_000  # a picture with a larger header is refused before it is decoded
SIZE = 48
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is the limit

# Common formats of photos (MPO is opened as JPEG). Pillow's others (EPS, PDF, FLI ...) only add risks.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "BMP", "GIF", "TIFF", "PPM")
SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".mpo",
    ".png",
    ".webp",
    ".heic",
    ".heif",
    ".hif",
    ".avif",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
)

# Faces are detected at 1024 pixels a side, so a picture that still has this many pixels when halved loses
# nothing: the smallest detectable face is still larger than the model's 48 pixels. A 50 megapixel JPEG is
# then decoded at a quarter of its pixels.
_ENOUGH_SIDE = 4096
_ORIENTATION = 0x0112  # EXIF
_LYING = (5, 6, 7, 8)  # its values for a picture stored on its side
_CHUNK_PIXELS = 4_000_000  # 16-bit pixels that are scaled at a time


def open_image(source: str | Path | bytes, name: str | None = None) -> Image.Image:
    """Open an upright picture in mode L or RGB.

    The EXIF orientation is applied, transparency becomes white, and 16 bit are scaled to 8.

    Args:
        source: A path, or the bytes of a file.
        name: Name in error messages; the path by default.

    Raises:
        ImageError: The file is missing, not a picture, damaged, or larger than MAX_PIXELS.
    """
    return _open(source, name, smaller=False)[0]


def open_reduced(source: str | Path | bytes, name: str | None = None) -> tuple[Image.Image, tuple[int, int]]:
    """Open a picture for face detection: very large ones at a half, a quarter or an eighth of their sides.

    JPEGs are decoded at that size, others are averaged afterwards.

    Returns:
        The picture, and its original width and height.
    """
    return _open(source, name, smaller=True)


def reduced(picture: Image.Image) -> Image.Image:
    """Reduce an open picture in mode L or RGB as `open_reduced` does."""
    factor = _factor(picture.size)
    return picture if factor == 1 else picture.reduce(factor)


def _factor(size: tuple[int, int]) -> int:
    return next((factor for factor in (8, 4, 2) if max(size) >= factor * _ENOUGH_SIDE), 1)


def size_of(source: str | Path | bytes, name: str | None = None) -> tuple[int, int]:
    """Return the width and height stored in a file, without decoding its pixels.

    Raises:
        ImageError: See `open_image`, as far as the header reveals it.
    """
    with _opened(source, name) as image:
        return image.size


def _open(source: str | Path | bytes, name: str | None, smaller: bool) -> tuple[Image.Image, tuple[int, int]]:
    with _opened(source, name) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION) in _LYING:
            width, height = height, width
        factor = _factor(image.size) if smaller else 1
        if factor > 1:
            # JPEG only; other formats ignore it.
            image.draft(image.mode, (image.width // factor, image.height // factor))
        decoded_smaller = image.size not in ((width, height), (height, width))
        image.load()
        picture = upright(image)
        return (picture if factor == 1 or decoded_smaller else picture.reduce(factor)), (width, height)


@contextmanager
def _opened(source: str | Path | bytes, name: str | None) -> Iterator[Image.Image]:
    """Open a picture for the duration of the context and raise all its errors as ImageError."""
    name = name or (str(source) if not isinstance(source, bytes) else "the image")
    _know_heif()
    # Pillow's decoders raise many kinds of errors (OSError, SyntaxError, struct.error ...) on damaged files.
    try:
        with Image.open(
            io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS
        ) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(
                    f"{name} has {image.width}x{image.height} pixels: at most {MAX_PIXELS // 10**6} "
                    "megapixels are "
                    "read, so make it smaller first."
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
        return _deep_to_8_bit(np.asarray(image), always_deep=image.mode.startswith("I;16"))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        white = Image.new("RGB", rgba.size, "white")
        white.paste(rgba, mask=rgba)
        return white
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def _deep_to_8_bit(values: np.ndarray, always_deep: bool) -> Image.Image:
    """Scale (H, W) numbers to a picture in mode L.

    The range is 0 to 65535 if a number is above 255 or `always_deep`, and 0 to 1 in files with fractions.
    """
    highest = values.max(initial=0)
    scale = 255.0 if highest <= 1 and values.dtype.kind == "f" else 1.0
    if always_deep or highest > 255:
        scale = 1 / 257  # 65535 -> 255
    out = np.empty(values.shape, np.uint8)
    rows = max(1, _CHUNK_PIXELS // max(1, values.shape[1]))
    for start in range(0, len(values), rows):
        part = np.nan_to_num(values[start : start + rows].astype(np.float32)) * np.float32(scale)
        out[start : start + rows] = np.clip(part, 0, 255).round()
    return Image.fromarray(out)


def from_array(pixels: np.ndarray) -> Image.Image:
    """Return a picture from an array (H, W) grey or (H, W, 3) RGB, uint8.

    Raises:
        ImageError: The array has another shape or type.
    """
    if (
        pixels.dtype != np.uint8
        or pixels.ndim not in (2, 3)
        or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3))
    ):
        raise ImageError(
            f"Expected a uint8 array of shape (H, W) or (H, W, 3) in RGB order, got {pixels.dtype} "
            f"{pixels.shape}."
        )
    return Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def to_grey_48(image: Image.Image) -> np.ndarray:
    """Convert to (48, 48) uint8: ITU-R 601 luma, resized with an antialiased bilinear filter."""
    grey = image if image.mode == "L" else image.convert("L")
    if grey.size != (SIZE, SIZE):
        grey = grey.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(grey)
