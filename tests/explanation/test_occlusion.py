"""Occlusion, heat maps, mean maps and nearest training faces: the right places, by class name."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from fer_core.bundles.bundle import find_bundle
from fer_core.data import Dataset, open_dataset
from fer_core.errors import DataError
from fer_core.explanation.heat import SIZE, heat, scaled
from fer_core.explanation.mean_maps import mean_maps
from fer_core.explanation.nearest import nearest_training_faces
from fer_core.explanation.occlusion import occlusion_maps
from fer_core.inference import Classifier, FeatureExtractor
from fer_core.quality.embedding import features
from tests import tiny


class Corner(Classifier):
    """Model that predicts "a" to the extent that the 12x12 pixels in the upper left are white."""

    def __init__(self) -> None:
        self.labels = ("a", "b")
        self.passes = 0

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        self.passes += 1
        a = images[:, :12, :12].mean(axis=(1, 2)) / 255
        return np.stack([a, 1 - a], axis=1).astype(np.float32)


# --- Occlusion


def test_occlusion_finds_the_part_that_the_answer_hangs_on() -> None:
    image = np.zeros((48, 48), np.uint8)
    image[:12, :12] = 255
    corner = Corner()
    maps = occlusion_maps(corner, image)
    assert corner.passes == 1, "all patches in one pass"
    assert maps.shape == (2, 48, 48) and np.allclose(maps[0], -maps[1], atol=1e-6), "what a loses, b gains"
    assert maps[0, 2:10, 2:10].min() > 0.1 and np.allclose(maps[0, 20:, 20:], 0)
    # One patch of 8x8 over it: 64 of 144 white pixels become the mean grey of the image.
    mean = round(144 * 255 / 48**2)
    assert maps[0, 0, 0] == pytest.approx(64 / 144 * (255 - mean) / 255, abs=1e-4)


@pytest.mark.parametrize(("patch", "stride"), [(8, 4), (10, 7), (48, 48)])
def test_occlusion_covers_every_pixel(patch: int, stride: int) -> None:
    image = np.full((48, 48), 200, np.uint8)
    image[:12, :12] = 255
    maps = occlusion_maps(Corner(), image, patch, stride)
    assert maps[0, 0, 0] > 0 and np.isfinite(maps).all()


# --- Heat maps


def test_heat_leaves_the_face_grey_where_nothing_is_and_is_strongest_at_the_maximum() -> None:
    face = tiny.banded(np.array([3]))[0]
    map = np.zeros((48, 48), np.float32)
    map[8:16, 30:38] = 1
    picture = heat(face, map)
    assert picture.shape == (SIZE, SIZE, 3) and picture.dtype == np.uint8
    cold = picture[200:, :100].astype(int)
    assert np.ptp(cold, axis=2).max() == 0, "grey"
    assert np.array_equal(
        cold[..., 0], cv2.resize(face, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)[200:, :100]
    )
    hot = picture[72, 204].astype(int)
    assert np.ptp(hot) > 40 and hot[0] > hot[2], "the bright end of inferno is yellow"


def test_scaled_maps_reach_one_and_leave_losses_out() -> None:
    assert scaled(np.array([[-3.0, 1.0], [2.0, 0.0]])).tolist() == [[0, 0.5], [1, 0]]
    assert not scaled(np.full((4, 4), -1.0)).any()


# --- Mean maps


def test_mean_maps_are_of_the_right_faces_of_each_class_by_name() -> None:
    images = np.arange(12, dtype=np.uint8)[:, None, None] * np.ones((48, 48), np.uint8)
    indices = np.arange(2, 12)
    true = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    predicted = np.array([0, 0, 1, 1, 1, 1, 0, 0, 1, 1])
    shares: list[float] = []

    def maps(batch: np.ndarray) -> np.ndarray:  # the model's classes stand in another order
        value = batch[:, 0, 0].astype(np.float32)
        return np.stack([value * scale for scale in (1, 10, 100)], axis=1)[:, :, None, None] * np.ones(
            (48, 48), np.float32
        )

    found = mean_maps(
        maps, images, indices, true, predicted, ("a", "b", "c"), ("b", "c", "a"), on_progress=shares.append
    )
    assert found.counts.tolist() == [2, 3, 0]
    assert found.maps[0, 0, 0] == pytest.approx(100 * (2 + 3) / 2), (
        "a is the model's third class; images 2 and 3"
    )
    assert found.maps[1, 0, 0] == pytest.approx((5 + 6 + 7) / 3)
    assert not found.maps[2].any() and found.faces[1, 0, 0] == 6
    assert shares[-1] == 1 and shares == sorted(shares)
    few = mean_maps(maps, images, indices, true, predicted, ("a", "b", "c"), ("b", "c", "a"), per_class=1)
    assert few.counts.tolist() == [1, 1, 0]


# --- Nearest training faces


@pytest.fixture(scope="module")
def known(voted, trained_run) -> tuple[Dataset, FeatureExtractor, np.ndarray]:
    data, bundle = open_dataset(voted), find_bundle(str(trained_run))
    return data, FeatureExtractor(bundle), features(data, bundle)


def test_the_nearest_are_training_faces_by_cosine_and_copies_are_marked(known) -> None:
    data, extractor, all_features = known
    leaked = 170  # an image of validation that also stands in train, see tiny.COPIES
    found = nearest_training_faces(extractor, all_features, data, data.images[leaked], 5, without=leaked)
    assert (data.splits[found.indices] == 0).all() and len(found.indices) == 5
    assert found.indices[0] == 142 and found.copies.tolist() == [True, *[False] * 4]
    train = np.flatnonzero(data.splits == 0)
    rows = all_features[train].astype(np.float64)
    asked = extractor.features(data.images[leaked][None])[0].astype(np.float64)
    cosine = rows @ asked / np.linalg.norm(rows, axis=1) / np.linalg.norm(asked)
    assert np.allclose(found.similarity, np.sort(cosine)[::-1][:5], atol=2e-3)
    assert found.similarity.max() <= 1


def test_a_training_face_is_not_its_own_neighbour_and_a_strange_face_has_some(known) -> None:
    data, extractor, all_features = known
    found = nearest_training_faces(extractor, all_features, data, data.images[20], 300, without=20)
    assert 20 not in found.indices and len(found.indices) == 167 and not found.copies.any()
    strange = np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8)
    assert len(nearest_training_faces(extractor, all_features, data, strange, 3).indices) == 3


def test_data_without_a_training_split_are_one_sentence(known) -> None:
    data, extractor, all_features = known
    only_test = dataclasses.replace(data, splits=np.full(len(data), 2, np.int8))
    with pytest.raises(DataError, match="has no training images to compare with"):
        nearest_training_faces(extractor, all_features, only_test, data.images[0])
