"""Files that people have: what is a picture, deep and damaged ones, several frames, inputs of Python."""

from __future__ import annotations

import base64
import io
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.album import analyse, pictures
from fer_core.data import open_dataset
from fer_core.errors import ImageError
from fer_core.imaging import open_frames, open_image, open_reduced, to_grey_48
from fer_core.inference import Predictor
from fer_core.picture_files import HEAD_BYTES, SUFFIXES, has_picture_name, is_picture

PORTRAIT = Path(__file__).resolve().parent.parent / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.open(PORTRAIT).convert("RGB")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


# --- what is a picture


@pytest.mark.parametrize(
    "format", ["JPEG", "MPO", "PNG", "WEBP", "HEIF", "AVIF", "BMP", "GIF", "TIFF", "PPM"]
)
def test_every_format_is_known_by_its_content(portrait: Image.Image, format: str) -> None:
    content = encoded(portrait.resize((64, 64)), format)
    assert is_picture(content[:HEAD_BYTES]) and open_image(content).size == (64, 64)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"BMW is a car maker",
        b"P3 is a console",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        b"RIFF\0\0\0\0WAVE",
    ],
)
def test_other_files_are_no_pictures(content: bytes) -> None:
    assert not is_picture(content)


def test_photos_of_all_names_and_none(portrait: Image.Image, tmp_path: Path) -> None:
    """.jfif, HEIC, no suffix and a wrong one: in a folder, in a zip, and as class folders."""
    small = portrait.resize((64, 64))
    files = {
        "happy/a.jfif": encoded(small, "JPEG"),
        "happy/b.HEIC": encoded(small, "HEIF"),
        "happy/c": encoded(small, "PNG"),
        "happy/d.dat": encoded(small, "AVIF"),
        "happy/notes.txt": b"no picture",
        "sad/e.mpo": encoded(small, "MPO"),
    }
    for name, content in files.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    expected = sorted(set(files) - {"happy/notes.txt"})
    for source in (tmp_path / "photos", tmp_path / "photos.zip"):
        assert [picture.name for picture in pictures(source)] == expected
        data = open_dataset(source)
        assert len(data) == 5 and any("notes.txt" in warning for warning in data.warnings)
    from fer_core.scale.sources import open_source

    assert open_source(str(tmp_path / "photos"), "photos").count == 5
    assert open_source(str(tmp_path / "photos.zip"), "photos").count == 5


def test_a_picture_name_is_enough_to_be_listed() -> None:
    """So that a damaged photo is reported instead of left out."""
    assert has_picture_name("a.JPG") and ".jfif" in SUFFIXES and not has_picture_name("a.txt")


# --- more than 8 bits


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("colour", [False, True])
def test_deep_pictures_look_like_their_8_bit_version(
    portrait: Image.Image, bits: int, format: str, colour: bool
) -> None:
    pixels = np.asarray(portrait if colour else portrait.convert("L"))
    deep = np.round(pixels.astype(float) * (2**bits - 1) / 255).astype(np.uint16)
    done, stored = cv2.imencode(f".{format.lower()}", deep[..., ::-1] if colour else deep)
    assert done
    got = open_image(stored.tobytes())
    assert got.mode == ("RGB" if colour else "L")
    assert np.abs(to_grey_48(got).astype(int) - to_grey_48(Image.fromarray(pixels))).max() <= 2


def test_temperatures_use_the_whole_range(portrait: Image.Image) -> None:
    """Hundredths of a kelvin, and degrees as fractions; a dead pixel does not matter."""
    grey = np.asarray(portrait.convert("L")).astype(float)
    kelvin = (29000 + grey * 8).astype(np.uint16)
    kelvin[0, 0] = 0
    for values in (kelvin, (20 + grey / 20).astype(np.float32), (grey / 20 - 8).astype(np.float32)):
        got = np.asarray(open_image(encoded(Image.fromarray(values), "TIFF"))).astype(float)
        assert np.ptp(got) > 250 and np.corrcoef(got.ravel(), grey.ravel())[0, 1] > 0.99


# --- damaged


@pytest.mark.parametrize("share", [0.999, 0.9, 0.75])
def test_a_jpeg_without_its_end_is_read_as_far_as_it_goes(portrait: Image.Image, share: float) -> None:
    content = encoded(portrait, "JPEG", quality=90)
    opened = open_reduced(content[: int(share * len(content))])
    assert opened.note.startswith("The file is cut off") and opened.size == portrait.size
    upper = np.asarray(opened.picture)[:200].astype(int) - np.asarray(portrait)[:200]
    assert np.abs(upper).mean() < 4


def test_a_jpeg_of_less_than_half_is_refused(portrait: Image.Image, tmp_path: Path) -> None:
    content = encoded(portrait, "JPEG", quality=90)
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 4])
    with pytest.raises(ImageError, match=r"a\.jpg cannot be read .* more than half of it is missing"):
        open_image(tmp_path / "a.jpg")


# --- several frames


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_with_a_face_counts(portrait: Image.Image, predictor: Predictor, format: str) -> None:
    small = portrait.resize((300, 300))
    blank = [Image.new("RGB", (300, 300), (9 * i, 90, 90)) for i in range(4)]
    content = encoded(blank[0], format, save_all=True, append_images=[blank[1], small, *blank[2:]])
    read = predictor.predict_picture(content)
    assert (read.frame, read.frames, len(read.faces)) == (3, 5, 1) and read.notes == ["Frame 3 of 5."]
    first = predictor.predict_picture(encoded(small, format, save_all=True, append_images=blank[:2]))
    assert (first.frame, first.frames) == (1, 3)
    faceless = predictor.predict_picture(encoded(blank[0], format, save_all=True, append_images=blank[1:2]))
    assert (faceless.frame, faceless.faces) == (1, [])


def test_at_most_20_frames_are_looked_at() -> None:
    frames = [Image.new("L", (40, 40), i) for i in range(200)]
    content = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    numbers = [opened.frame for opened in open_frames(content)]
    assert len(numbers) == 20 and numbers[0] == 1 and numbers[-1] == 200


# --- inputs of Python


def test_all_kinds_of_input_give_one_answer(predictor: Predictor) -> None:
    content = PORTRAIT.read_bytes()
    (expected,) = predictor.predict(PORTRAIT)
    uri = "data:image/jpeg;base64," + base64.b64encode(content).decode()
    with open(PORTRAIT, "rb") as file:
        for form in (content, bytearray(content), memoryview(content), io.BytesIO(content), file, uri):
            assert predictor.predict(form)[0].box == expected.box


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("https://example.org/a.jpg", "is a URL: download"),
        ("data:image/png;base64,%%%", "data: URI cannot be decoded"),
        (io.StringIO("text"), "binary mode"),
        ([1, 2, 3], "got list"),
        (None, "got NoneType"),
        (b"\xff\xd8secret", "the picture cannot be read"),
        ("a\0b", "cannot be read"),
        ("x" * 5000, "xxx..."),
    ],
    ids=["url", "uri", "text", "list", "none", "bytes", "nul", "long"],
)
def test_other_input_is_one_sentence_without_its_bytes(
    predictor: Predictor, source: object, words: str
) -> None:
    with pytest.raises(ImageError) as caught:
        predictor.predict(source)  # type: ignore[arg-type]
    message = str(caught.value)
    assert words in message and "\n" not in message and "secret" not in message and len(message) < 400


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, bool])
def test_probabilities_of_another_type_are_refused(predictor: Predictor, kind: type) -> None:
    with pytest.raises(ImageError, match="as uint8, not"):
        predictor.classifier.probabilities(np.zeros((2, 48, 48), kind))


# --- names


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode on Windows")
def test_a_name_that_is_no_utf8_costs_nothing(predictor: Predictor, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9.jpg")
    (folder / name).write_bytes(PORTRAIT.read_bytes())
    (folder / os.fsdecode(b"bad\xe9.jpg")).write_bytes(b"no picture")
    bad, good = analyse(pictures(folder), predictor)
    assert good.name == "caf\\udce9.jpg" and len(good.faces) == 1
    assert bad.error is not None and bad.error.startswith("bad\\udce9.jpg cannot be read")
