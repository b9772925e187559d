"""Prediction on photos: upright, detected, cropped like the training images, classified together."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core import imaging
from fer_core.data import Dataset
from fer_core.errors import ImageError, ModelError
from fer_core.inference import FaceDetector, Predictor
from fer_core.inference.drawing import draw_predictions
from fer_core.inference.predict import crop_square
from fer_core.inference.yunet import yunet_weights

PORTRAIT = Path(__file__).resolve().parent.parent.parent / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def predictor(trained_run: Path) -> Predictor:
    return Predictor(str(trained_run))


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return imaging.open_image(PORTRAIT)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def test_yunet_is_found_without_a_download() -> None:
    assert yunet_weights() is not None and FaceDetector().name == "YuNet"


def test_all_forms_of_one_picture_give_one_answer(predictor: Predictor, portrait: Image.Image) -> None:
    expected = predictor.predict(PORTRAIT)
    assert len(expected) == 1
    for form in (
        str(PORTRAIT),
        PORTRAIT.read_bytes(),
        np.asarray(portrait),
        portrait,
        encoded(portrait, "PNG"),
    ):
        got = predictor.predict(form)
        assert [face.box for face in got] == [face.box for face in expected]
        assert got[0].probabilities == pytest.approx(expected[0].probabilities, abs=1e-6)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_orientation_is_undone(predictor: Predictor, portrait: Image.Image, orientation: int) -> None:
    """A photo stored sideways with an EXIF orientation has its face in the same place as the upright one."""
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[
        orientation
    ]
    exif = Image.Exif()
    exif[274] = orientation
    stored = encoded(portrait.transpose(turn), "PNG", exif=exif)
    assert predictor.predict(stored)[0].box == predictor.predict(portrait)[0].box


def test_several_faces_stand_from_left_to_right(predictor: Predictor, portrait: Image.Image) -> None:
    """Faces in one picture get what each gets alone, whatever stands beside them."""
    face = portrait.crop((100, 0, 300, 250))
    group = Image.new("RGB", (600, 250), "grey")
    group.paste(face, (0, 0))
    group.paste(face.resize((160, 200)), (400, 30))
    found = predictor.predict(group)
    assert [f.box[0] for f in found] == sorted(f.box[0] for f in found) and len(found) == 2
    alone = predictor.predict(group.crop((0, 0, 300, 250)))[0]
    assert max(abs(found[0].probabilities[n] - p) for n, p in alone.probabilities.items()) < 0.05


@pytest.mark.parametrize("shape", [(48, 48), (2, 48, 48, 1), (2, 96, 96), (0, 7)])
def test_arrays_of_another_shape_are_refused_in_one_sentence(
    predictor: Predictor, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ImageError, match=r"an array \(N, 48, 48\), not \("):
        predictor.classifier.probabilities(np.zeros(shape, np.uint8))


def test_boxes_lie_inside_the_picture(predictor: Predictor, portrait: Image.Image) -> None:
    for cut in ((170, 60, 260, 150), (200, 0, 400, 200), (150, 80, 350, 300)):
        picture = portrait.crop(cut)
        for face in predictor.predict(picture):
            x, y, width, height = face.box
            assert (
                x >= 0
                and y >= 0
                and width > 0
                and height > 0
                and x + width <= picture.width
                and y + height <= picture.height
            )


def test_the_crop_is_square_and_repeats_the_edge(portrait: Image.Image) -> None:
    from fer_core.inference import Face

    crop = crop_square(np.asarray(portrait), Face((-20.0, -10.0, 60.0, 80.0), 1.0))
    assert crop.width == crop.height
    assert np.array_equal(np.asarray(crop)[0, 0], np.asarray(portrait)[0, 0])
    assert crop_square(np.asarray(portrait), Face((-500.0, -500.0, 60.0, 80.0), 1.0)).size[0] > 0


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LA", "I;16"])
def test_pictures_of_any_mode(predictor: Predictor, portrait: Image.Image, mode: str) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(portrait.convert("L")).astype(np.uint16) * 257)
    else:
        picture = portrait.convert("RGBA").convert(mode) if mode in ("RGBA", "LA") else portrait.convert(mode)
    found = predictor.predict(encoded(picture, "TIFF"))
    assert len(found) == 1 or mode == "1"  # one bit a pixel leaves little of a face


def test_16_bit_grey_and_8_bit_grey_look_the_same(portrait: Image.Image) -> None:
    grey = np.asarray(portrait.convert("L"))
    deep = imaging.open_image(encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"))
    assert np.abs(np.asarray(deep).astype(int) - grey).max() <= 1


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, PORTRAIT.read_bytes()[:2000]]
)
def test_damaged_pictures_are_one_sentence(predictor: Predictor, content: bytes) -> None:
    with pytest.raises(ImageError, match="cannot be read as an image") as caught:
        predictor.predict(content)
    assert "\n" not in str(caught.value)


def test_a_picture_that_claims_to_be_huge_is_refused(
    monkeypatch: pytest.MonkeyPatch, portrait: Image.Image
) -> None:
    monkeypatch.setattr(imaging, "MAX_PIXELS", 1000)
    with pytest.raises(ImageError, match="512x512 pixels"):
        imaging.open_image(PORTRAIT)


@pytest.mark.parametrize(
    "array",
    [np.zeros((48, 48), np.float32), np.zeros((0, 5, 3), np.uint8), np.zeros((48, 48, 4), np.uint8)],
    ids=["float", "empty", "four colours"],
)
def test_arrays_of_another_kind_are_refused(predictor: Predictor, array: np.ndarray) -> None:
    with pytest.raises(ImageError, match="Expected a uint8 array"):
        predictor.predict(array)


def test_an_array_is_answered_as_its_file_is(
    predictor: Predictor, portrait: Image.Image, tmp_path: Path
) -> None:
    pixels = np.asarray(portrait)
    portrait.save(tmp_path / "portrait.png")
    Image.fromarray(pixels[:, ::-1]).save(tmp_path / "mirrored.png")
    for array, name in ((pixels, "portrait"), (pixels[:, ::-1], "mirrored")):
        (of_array,), (of_file,) = predictor.predict(array), predictor.predict(tmp_path / f"{name}.png")
        assert (of_array.box, of_array.probabilities) == (of_file.box, of_file.probabilities)
        assert np.array_equal(of_array.crop, of_file.crop)


def test_drawing_marks_the_face_in_its_colour(predictor: Predictor, portrait: Image.Image) -> None:
    found = predictor.predict(portrait)
    drawn = np.asarray(draw_predictions(portrait, found))
    x, y, width, height = found[0].box
    changed = (drawn != np.asarray(portrait)).any(axis=2)
    assert changed[y + height, x + width // 2] and not changed[y + height // 2, x + width // 2]


def test_a_missing_model_names_the_shipped_ones() -> None:
    with pytest.raises(ModelError, match="expected a shipped name"):
        Predictor("nonesuch")


def test_a_damaged_inference_file_is_one_sentence(trained_run: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(trained_run / "bundle", tmp_path / "bundle")
    (tmp_path / "bundle" / "model.tflite").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be read as a LiteRT model"):
        Predictor(str(tmp_path / "bundle"))


def test_a_face_is_found_on_nearly_every_real_photo(shared: Path) -> None:
    detector = FaceDetector()
    with open(shared / "photos" / "labels.csv", encoding="utf-8") as file:
        names = [row["image"] for row in csv.DictReader(file)][::4]
    found = sum(
        bool(detector.detect(np.asarray(imaging.open_image(shared / "photos" / name)))) for name in names
    )
    assert found >= 0.95 * len(names)


def test_the_crop_is_cut_like_fer2013(fer2013_data: Dataset) -> None:
    """On FER2013's own images the crop around YuNet's box is, in the median, the whole image."""
    from fer_core.inference.predict import CROP_SCALE

    detector = FaceDetector()
    sides = []
    for image in fer2013_data.images[:100]:
        for face in detector.detect(np.asarray(image))[:1]:
            sides.append(CROP_SCALE * np.sqrt(face.box[2] * face.box[3]))
    assert len(sides) > 87 and abs(np.median(sides) - 48) < 2.5
