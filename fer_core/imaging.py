"""From any picture to upright pixels and to the 48x48 grey form that models see.

Data sets, photos and webcam frames all pass through `to_grey_48`, so that training and prediction cannot differ.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .errors import ImageError

MAX_PIXELS = 100_000_000  # a picture that claims more is refused before it is decoded
SIZE = 48
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is the bound

# The formats that people hold photos in. Others that Pillow knows (EPS, PDF, FLI ...) only widen what can go wrong.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "MPO", "PPM")


def open_image(source: str | Path | bytes, name: str | None = None) -> Image.Image:
    """An upright picture in mode L or RGB: EXIF orientation applied, transparency laid on white, 16 bit scaled to 8.

    Args:
        source: a path, or the bytes of a file.
        name: how an error calls it; the path by default.

    Raises:
        ImageError: it is missing, no picture, damaged, or larger than MAX_PIXELS.
    """
    name = name or (str(source) if not isinstance(source, bytes) else "the image")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(
                    f"{name} has {image.width}x{image.height} pixels: at most {MAX_PIXELS // 10**6} megapixels are "
                    "read, so make it smaller first."
                )
            image.load()
            return upright(image)
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(f"{name} has more than {MAX_PIXELS // 10**6} megapixels: make it smaller first.") from None
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist.") from None
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder: an image file was expected.") from None
    except PermissionError:
        raise ImageError(f"{name} may not be read: check its permissions.") from None
    except Exception:  # Pillow's decoders raise many kinds (OSError, SyntaxError, struct.error ...) on damaged files
        raise ImageError(f"{name} cannot be read as an image: expected an intact JPEG, PNG, WebP, BMP, GIF or TIFF.") from None


def upright(image: Image.Image) -> Image.Image:
    """A loaded picture in mode L or RGB, turned as its EXIF orientation says."""
    return _to_8_bit(ImageOps.exif_transpose(image))


def _to_8_bit(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        values = np.asarray(image).astype(np.float64)
        if values.max(initial=0) > 255 or image.mode.startswith("I;16"):
            values = values / 257.0  # 65535 -> 255
        return Image.fromarray(np.clip(values, 0, 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def from_array(pixels: np.ndarray) -> Image.Image:
    """A picture from an array (H, W) grey or (H, W, 3) RGB, uint8.

    Raises:
        ImageError: another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3)):
        raise ImageError(f"Expected a uint8 array of shape (H, W) or (H, W, 3) in RGB order, got {pixels.dtype} {pixels.shape}.")
    return Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def to_grey_48(image: Image.Image) -> np.ndarray:
    """(48, 48) uint8: ITU-R 601 luma, resized with an antialiased bilinear filter."""
    grey = image if image.mode == "L" else image.convert("L")
    if grey.size != (SIZE, SIZE):
        grey = grey.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(grey)
