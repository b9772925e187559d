"""Several pictures at once: each gets the same result as alone, and a bad one does not affect the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.errors import ImageError
from fer_core.inference import Predictor

PORTRAIT = Path(__file__).resolve().parent.parent.parent / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


def test_each_picture_gets_what_it_gets_alone(predictor: Predictor) -> None:
    portrait = Image.open(PORTRAIT).convert("RGB")
    pair = Image.new("RGB", (700, 300), "grey")
    pair.paste(portrait.crop((80, 0, 380, 300)), (0, 0))
    pair.paste(portrait.crop((80, 0, 380, 300)).transpose(Image.Transpose.FLIP_LEFT_RIGHT), (400, 0))
    images = [PORTRAIT, Image.new("RGB", (200, 200)), pair, np.asarray(portrait), PORTRAIT.read_bytes()]
    got = predictor.predict_many(images)
    assert [len(faces) for faces in got] == [1, 0, 2, 1, 1]
    for faces, image in zip(got, images, strict=True):
        alone = predictor.predict(image)
        assert [face.box for face in faces] == [face.box for face in alone]
        for face, single in zip(faces, alone, strict=True):
            assert face.probabilities == pytest.approx(single.probabilities, abs=1e-4)
            assert np.array_equal(face.crop, single.crop)


def test_all_faces_pass_the_network_together(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []
    classify = predictor.classifier.probabilities
    monkeypatch.setattr(
        predictor.classifier, "probabilities", lambda crops: batches.append(len(crops)) or classify(crops)
    )
    predictor.predict_many(iter([PORTRAIT] * 3))
    assert batches == [3]


def test_without_detection_each_picture_is_one_face(predictor: Predictor) -> None:
    got = predictor.predict_many([Image.new("L", (90, 60)), Image.new("RGB", (48, 48))], detect=False)
    assert [[face.box for face in faces] for faces in got] == [[(0, 0, 90, 60)], [(0, 0, 48, 48)]]


def test_a_bad_picture_raises_or_stands_in_its_place(predictor: Predictor) -> None:
    images = [PORTRAIT, b"no picture", "missing.jpg", PORTRAIT]
    with pytest.raises(ImageError, match="cannot be read as an image"):
        predictor.predict_many(images)
    first, bad, missing, last = predictor.predict_many(images, on_error="return")
    assert (
        isinstance(bad, ImageError)
        and isinstance(missing, ImageError)
        and "missing.jpg does not exist" in str(missing)
    )
    assert isinstance(first, list) and isinstance(last, list) and first[0].label == last[0].label
    assert predictor.predict_many([]) == []
