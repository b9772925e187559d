"""Photos in all common forms: upright, in 8 bits, on white.

Very large ones are reduced for face detection.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core import imaging
from fer_core.errors import ImageError
from fer_core.imaging import open_image, open_reduced

PORTRAIT = Path(__file__).resolve().parent.parent / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.open(PORTRAIT).convert("RGB")


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def far(a: Image.Image, b: Image.Image) -> float:
    """Return the mean difference of two pictures' pixels."""
    assert a.size == b.size and a.mode == b.mode
    return float(np.abs(np.asarray(a).astype(int) - np.asarray(b)).mean())


@pytest.mark.parametrize("format", ["HEIF", "AVIF", "WEBP", "JPEG"])
def test_lossy_forms_of_phones_and_the_web(portrait: Image.Image, format: str) -> None:
    got = open_image(encoded(portrait, format, quality=90))
    assert got.mode == "RGB" and far(got, portrait) < 4


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_forms_that_lose_nothing(portrait: Image.Image, format: str) -> None:
    assert far(open_image(encoded(portrait, format)), portrait) == 0


def test_of_several_pictures_in_a_file_the_first(portrait: Image.Image) -> None:
    several = encoded(
        portrait, "MPO", quality=90, save_all=True, append_images=[Image.new("RGB", portrait.size)]
    )
    assert far(open_image(several), portrait) < 4


@pytest.mark.parametrize("format", ["HEIF", "JPEG", "PNG"])
def test_pictures_stored_sideways_are_turned_once(portrait: Image.Image, format: str) -> None:
    """Upright after opening, and after opening the opened picture again, as the page does."""
    exif = Image.Exif()
    exif[0x0112] = 6
    upper = portrait.crop((0, 0, 512, 300))
    stored = upper.transpose(Image.Transpose.ROTATE_90)
    got = open_image(encoded(stored, format, exif=exif.tobytes(), quality=95))
    assert far(got, upper) < 4
    assert far(imaging.upright(got), upper) < 4


def test_heic_that_is_cut_off_is_one_sentence(portrait: Image.Image) -> None:
    with pytest.raises(ImageError, match=r"holiday\.heic cannot be read"):
        open_image(encoded(portrait, "HEIF")[:3000], "holiday.heic")


def test_transparent_parts_are_white(portrait: Image.Image) -> None:
    see_through = portrait.convert("RGBA")
    see_through.paste((255, 0, 0, 0), (0, 0, 100, 100))
    see_through.paste((0, 0, 0, 128), (200, 200, 300, 300))
    for format in ("PNG", "WEBP"):
        got = np.asarray(
            open_image(encoded(see_through, format, **({"lossless": True} if format == "WEBP" else {})))
        )
        assert (got[:90, :90] >= 250).all() and abs(int(got[250, 250, 0]) - 127) <= 2
        assert np.abs(got[350:].astype(int) - np.asarray(portrait)[350:]).max() <= 2
    palette = portrait.quantize(16)
    palette.info["transparency"] = palette.getpixel((5, 5))
    assert (
        np.asarray(open_image(encoded(palette, "PNG", transparency=palette.getpixel((5, 5)))))[5, 5] == 255
    ).all()


def test_cmyk_has_its_colours(portrait: Image.Image) -> None:
    for format in ("TIFF", "JPEG"):
        assert far(open_image(encoded(portrait.convert("CMYK"), format)), portrait) < 4


def test_deep_pictures_are_scaled_to_8_bit(portrait: Image.Image) -> None:
    """16 bit up to 65535, 32 bit integers likewise, and fractions up to 1: all give the grey picture."""
    grey = np.asarray(portrait.convert("L"))
    forms = [
        grey.astype(np.uint16) * 257,
        grey.astype(np.int32) * 257,
        grey.astype(np.float32) / 255,
        grey.astype(np.float32),
    ]
    for values in forms:
        got = open_image(encoded(Image.fromarray(values), "TIFF"))
        assert got.mode == "L" and np.abs(np.asarray(got).astype(int) - grey).max() <= 1, values.dtype


def test_fractions_that_are_no_numbers_do_not_spoil_the_rest() -> None:
    values = np.full((20, 20), 100, np.float32)
    values[0, 0] = np.nan
    assert np.asarray(open_image(encoded(Image.fromarray(values), "TIFF")))[10, 10] == 100


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_huge_pictures_come_smaller_where_faces_count(
    monkeypatch: pytest.MonkeyPatch, portrait: Image.Image, format: str, orientation: int
) -> None:
    monkeypatch.setattr(imaging, "_ENOUGH_PIXELS", 9000)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for width, factor in ((512, 4), (400, 2)):
        upper = portrait.crop((0, 0, width, 301))
        stored = upper.transpose(Image.Transpose.ROTATE_90) if orientation == 6 else upper
        opened = open_reduced(encoded(stored, format, exif=exif, quality=95))
        assert opened.size == (width, 301) and far(opened.picture, upper.reduce(factor)) < 5
        assert open_image(encoded(stored, format, exif=exif)).size == (width, 301)
    assert open_reduced(encoded(portrait.crop((0, 0, 180, 180)), format)).picture.size == (180, 180)


def test_boxes_of_huge_pictures_are_in_their_own_pixels(
    monkeypatch: pytest.MonkeyPatch, portrait: Image.Image
) -> None:
    """In every form of the picture, the box is where the face is in the full picture."""
    from fer_core.bundles.bundle import find_bundle
    from fer_core.inference import Predictor

    predictor = Predictor(find_bundle())
    expected = predictor.predict(portrait)[0]
    monkeypatch.setattr(imaging, "_ENOUGH_PIXELS", 256 * 256)
    for form in (PORTRAIT.read_bytes(), PORTRAIT, portrait, np.asarray(portrait), encoded(portrait, "PNG")):
        face = predictor.predict(form)[0]
        assert face.landmarks is not None and expected.landmarks is not None
        assert max(abs(a - b) for a, b in zip(face.box, expected.box, strict=True)) < 12
        assert np.abs(face.landmarks - expected.landmarks).max() < 8
        assert face.label == expected.label
    (whole,) = predictor.predict(portrait, detect=False)
    assert whole.box == (0, 0, 512, 512)
