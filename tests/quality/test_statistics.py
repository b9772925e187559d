"""Statistics of images, and sentences about a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.quality.statistics import oddities, statistics
from tests.quality.conftest import write_npz


def test_brightness_contrast_and_sharpness_are_of_each_image(faces) -> None:
    measured = statistics(faces)
    for i in (0, 350, 699):
        image = faces.images[i].astype(float)
        assert measured.brightness[i] == pytest.approx(image.mean(), abs=0.01)
        assert measured.contrast[i] == pytest.approx(image.std(), abs=0.01)
    happy = faces.label_names.index("happy")
    assert np.abs(measured.mean_faces[happy] - faces.images[faces.labels == happy].mean(axis=0)).max() <= 0.51
    assert np.array_equal(statistics(faces).sharpness, measured.sharpness), "from the cache"


def test_a_blurred_image_is_less_sharp(tmp_path: Path, faces) -> None:
    import cv2

    images = np.asarray(faces.images[:14])
    blurred = np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in images])
    data = write_npz(
        tmp_path / "both.csv", np.concatenate([images, blurred]), np.arange(28) % 7, ["Training"] * 28
    )
    by_row = dict(zip(data.rows.tolist(), statistics(data).sharpness.tolist(), strict=True))
    assert all(by_row[i + 14] < 0.5 * by_row[i] for i in range(14))


def test_nothing_odd_is_said_of_balanced_faces_without_copies(faces) -> None:
    assert oddities(faces, statistics(faces)) == []


def test_what_is_odd_is_said_with_figures(tmp_path: Path, faces) -> None:
    images = np.asarray(faces.images[:300]).copy()
    labels = np.array([3] * 200 + [1] * 10 + [0, 2, 4, 5, 6] * 18)
    splits = ["Training"] * 240 + ["PublicTest"] * 30 + ["PrivateTest"] * 30
    images[250:253] = images[:3]  # three validation images are also in train
    images[20] = images[205]  # happy and disgust
    images[7] = 128
    data = write_npz(tmp_path / "odd.csv", images, labels, splits)
    reported = "\n".join(oddities(data, statistics(data)))
    assert "disgust is rare: 10 training images" in reported or "rare" in reported
    assert "4 of 300 images are exact copies of others." in reported
    assert "3 of 30 validation images (10.0%) also occur in train" in reported
    assert "4 images with several labels: at most one label of each can be right." in reported
    assert "1 nearly empty image (contrast below 4 of 255)." in reported
    assert "happy is 0.0% of test" in reported


def test_a_class_that_is_missing_in_train_is_said(tmp_path: Path, faces) -> None:
    data = write_npz(
        tmp_path / "few.csv",
        np.asarray(faces.images[:70]),
        np.arange(70) % 5,
        ["Training"] * 50 + ["PublicTest"] * 20,
    )
    assert "No training image is labelled surprise, neutral" in oddities(data, statistics(data))[0]
