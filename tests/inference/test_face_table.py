"""One table of faces: the same columns everywhere, which pandas reads without converters."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from fer_core.album import PictureResult, analyse, csv_text, pictures
from fer_core.inference import Predictor, face_table
from fer_core.serve import create_app
from fer_core.video import analyse_video
from tests.conftest import ROOT
from tests.video import made

PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


@pytest.fixture(scope="module")
def table(predictor: Predictor) -> str:
    turned = Image.open(PORTRAIT).convert("RGB").rotate(180)
    results = [
        PictureResult("a, b.jpg", predictor.predict(PORTRAIT)),
        PictureResult("turned.jpg", predictor.predict(turned)),
        PictureResult("none.jpg", []),
        PictureResult("bad.jpg", [], "It is damaged."),
    ]
    return csv_text(results, predictor.classifier)


def test_pandas_reads_the_types_without_converters(table: str, predictor: Predictor) -> None:
    frame = pd.read_csv(io.StringIO(table))
    whole = ["frame", "face", "rotation"]
    assert (frame[whole].dtypes == np.int64).all() and frame["unsure"].dtype == bool
    numbers = [
        "time",
        *face_table.BOX,
        "score",
        "nose_x",
        "mouth_left_y",
        *predictor.classifier.labels,
        "confidence",
    ]
    assert (frame[numbers].dtypes == np.float64).all()
    for name in ("file", "label", "model", "model_version", "error"):
        assert pd.api.types.is_string_dtype(frame[name].dropna()), name
    assert frame["face"].tolist() == [1, 1, 0, 0] and frame["rotation"].tolist() == [0, 180, 0, 0]
    assert frame["error"].tolist()[2:] == ["no face found", "It is damaged."]
    faces = frame[frame["face"] > 0]
    assert np.allclose(faces[list(predictor.classifier.labels)].sum(axis=1), 1, atol=1e-3)
    assert (faces["model"] == predictor.classifier.bundle.name).all()


def test_album_api_and_video_have_the_same_columns(table: str, predictor: Predictor) -> None:
    expected = face_table.columns(predictor.classifier.labels)
    assert table.splitlines()[0].split(",") == expected
    client = TestClient(create_app(predictor.classifier.bundle))
    (face,) = client.post("/predict", content=PORTRAIT.read_bytes()).json()["faces"]
    assert set(face) == set(expected) | {"box", "probabilities"}
    timeline = analyse_video(io.BytesIO(made.video(made.moving(3))), predictor, rate=None)
    names = timeline.csv_text().splitlines()[0].split(",")
    assert names == [*expected, *(f"smoothed_{name}" for name in predictor.classifier.labels)]
    frame = pd.read_csv(io.StringIO(timeline.csv_text()))
    assert frame["frame"].dtype == np.int64 and frame["time"].dtype == np.float64 and len(frame) == 3


def test_every_column_is_in_the_data_dictionary(predictor: Predictor) -> None:
    text = (ROOT / "docs" / "reference" / "faces.md").read_text(encoding="utf-8")
    classes = set(predictor.classifier.labels)
    for name in face_table.columns(predictor.classifier.labels):
        assert name in classes or f"`{name}`" in text, name


def test_landmarks_and_box_are_those_of_the_face(table: str, predictor: Predictor, tmp_path: Path) -> None:
    (face,) = predictor.predict(PORTRAIT)
    row = pd.read_csv(io.StringIO(table)).iloc[0]
    assert [row[name] for name in face_table.BOX] == list(face.box) and face.landmarks is not None
    assert row["right_eye_x"] < row["nose_x"] < row["left_eye_x"] and row["nose_y"] < row["mouth_left_y"]
    assert row["nose_x"] == pytest.approx(face.landmarks[2, 0], abs=0.06)


def test_a_file_that_is_cut_off_is_named_in_the_warnings(predictor: Predictor) -> None:
    content = PORTRAIT.read_bytes()
    blank = io.BytesIO()
    Image.new("RGB", (400, 400), "grey").save(blank, "JPEG")
    files = [("cut.jpg", content[: len(content) - 2000]), ("whole.jpg", content)]
    files.append(("blank.jpg", blank.getvalue()[:-40]))
    text = csv_text(analyse(pictures(files), predictor), predictor.classifier)
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False)
    assert frame["face"].tolist() == [1, 1, 0]
    assert ["cut off" in warnings.split(";") for warnings in frame["warnings"]] == [True, False, True]
