"""Corruptions get worse by level, repeat by seed, and treat each image alone; what-if changes are exact."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.errors import DataError
from fer_core.inference import FaceDetector
from fer_core.inference.detector import Face
from fer_core.robustness.corruptions import CORRUPTIONS, LEVELS, corrupt
from fer_core.robustness.what_if import KINDS, Cover, WhatIf, apply, drawing, placed


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.asarray(open_dataset("synthetic:70").images[:40])


# --- Corruptions


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_level_is_further_from_the_image(name: str, faces: np.ndarray) -> None:
    before = faces.copy()
    out = [corrupt(faces, name, level) for level in LEVELS]
    assert np.array_equal(faces, before), "the data are not touched"
    assert all(images.shape == faces.shape and images.dtype == np.uint8 for images in out)
    distance = [np.abs(images.astype(float) - faces).mean() for images in out]
    assert distance[0] > 0.3 and all(b > 1.05 * a for a, b in pairwise(distance)), distance
    still = [np.corrcoef(images.ravel(), faces.ravel())[0, 1] for images in out]
    assert still[-1] > 0.35, "the picture is still there"


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_chance_is_seeded_and_each_images_own(name: str, faces: np.ndarray) -> None:
    once, again, other = (
        corrupt(faces, name, 3, seed=1),
        corrupt(faces, name, 3, seed=1),
        corrupt(faces, name, 3, seed=2),
    )
    assert np.array_equal(once, again)
    random = {
        "gaussian_noise",
        "shot_noise",
        "impulse_noise",
        "motion_blur",
        "fog",
        "darkness",
        "elastic_transform",
        "rotation",
    }
    assert np.array_equal(once, other) == (name not in random)
    same = corrupt(np.repeat(faces[:1], 8, axis=0), name, 3)
    assert (len(np.unique(same, axis=0)) > 1) == (name in random), "chance falls for each image again"


def test_what_is_no_corruption_or_level_is_one_sentence(faces: np.ndarray) -> None:
    with pytest.raises(DataError, match="Unknown corruption 'snow': expected one of gaussian_noise"):
        corrupt(faces, "snow", 1)
    for level in (0, 6, 2.5):
        with pytest.raises(DataError, match="expected 1 to 5"):
            corrupt(faces, "fog", level)  # type: ignore[arg-type]


def test_light_and_tilt_go_where_their_names_say(faces: np.ndarray) -> None:
    assert corrupt(faces, "brightness", 3).mean() > faces.mean() + 20
    assert corrupt(faces, "darkness", 3).mean() < 0.5 * faces.mean()
    assert corrupt(faces, "contrast", 3).std(axis=(1, 2)).mean() < 0.4 * faces.std(axis=(1, 2)).mean()
    arrow = np.zeros((60, 48, 48), np.uint8)
    arrow[:, 4:24, 22:26] = 255  # upwards from the middle
    tips = corrupt(arrow, "rotation", 5)[:, :20].argmax(axis=2).max(axis=1)
    assert 15 < (tips < 24).sum() < 45, "half of them to each side"


# --- What-if changes


def test_nothing_changes_nothing_and_the_same_gives_the_same(faces: np.ndarray) -> None:
    assert np.array_equal(apply(faces[0], WhatIf()), faces[0])
    much = WhatIf(
        (Cover("mask", 0.5, 0.75), Cover("sunglasses", 0.5, 0.4)), rotation=10, blur=1, darkness=0.3, noise=8
    )
    assert (
        np.array_equal(apply(faces[0], much), apply(faces[0], much))
        and apply(faces[0], much).dtype == np.uint8
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_cover_lies_where_it_is_put_and_nowhere_else(kind: str, faces: np.ndarray) -> None:
    small = Cover(kind, 0.25, 0.7, 0.3)  # type: ignore[arg-type]
    changed = apply(faces[0], WhatIf((small,))) != faces[0]
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (
        abs((columns[0] + columns[-1]) / 2 - 0.25 * 48) < 1.5
        and abs((rows[0] + rows[-1]) / 2 - 0.7 * 48) < 2.5
    )
    assert abs(len(columns) - 0.3 * 48) <= 2.5
    larger = (apply(faces[0], WhatIf((Cover(kind, 0.25, 0.7, 0.5),))) != faces[0]).sum()  # type: ignore[arg-type]
    assert larger > 1.5 * changed.sum()
    beyond = apply(faces[0], WhatIf((Cover(kind, 1.0, 0.0, 0.4),)))  # type: ignore[arg-type]
    assert (beyond != faces[0]).any(), "half of it is still in the picture"


def test_sunglasses_are_dark_and_a_mask_is_light_but_less_so_in_the_dark() -> None:
    grey, dark = np.full((48, 48), 120, np.uint8), np.full((48, 48), 45, np.uint8)
    glasses = apply(grey, WhatIf((Cover("sunglasses", 0.5, 0.4, 0.8),)))
    assert glasses[18, 14] < 60 and glasses[18, 34] < 60 and glasses[40, 24] == 120
    mask = apply(grey, WhatIf((Cover("mask", 0.5, 0.7, 0.8),)))
    assert mask[34, 24] > 150 and mask[5, 24] == 120
    assert apply(dark, WhatIf((Cover("mask", 0.5, 0.7, 0.8),)))[34, 24] < 0.7 * mask[34, 24]


def test_several_covers_are_worn_together() -> None:
    grey = np.full((48, 48), 120, np.uint8)
    both = apply(grey, WhatIf((Cover("mask", 0.5, 0.75, 0.6), Cover("sunglasses", 0.5, 0.3, 0.7))))
    assert both[13, 15] < 60 and both[36, 24] > 150


def test_covers_turn_with_the_head() -> None:
    grey = np.full((48, 48), 120, np.uint8)
    upright = apply(grey, WhatIf((Cover("sunglasses", 0.5, 0.25, 0.4),)))
    turned = apply(grey, WhatIf((Cover("sunglasses", 0.5, 0.25, 0.4),), rotation=90))
    assert np.abs(np.rot90(upright).astype(int) - turned).mean() < 1, (
        "counter-clockwise: from the top to the left"
    )


def test_blur_darkness_and_noise_are_as_strong_as_they_say(faces: np.ndarray) -> None:
    face = faces[0]
    assert apply(face, WhatIf(darkness=0.5)).mean() == pytest.approx(face.mean() / 2, abs=1)
    flat = np.full((48, 48), 128, np.uint8)
    assert apply(flat, WhatIf(noise=20)).std() == pytest.approx(20, rel=0.1)
    assert (
        np.abs(np.diff(apply(face, WhatIf(blur=2)).astype(int))).mean()
        < 0.6 * np.abs(np.diff(face.astype(int))).mean()
    )
    for wrong in (WhatIf(darkness=1.2), WhatIf(blur=-1), WhatIf(noise=-1)):
        with pytest.raises(DataError, match="Expected darkness from 0 to 1"):
            apply(face, wrong)


def test_covers_are_placed_by_the_landmarks_of_a_face() -> None:
    landmarks = np.array(
        [[14.0, 20], [30, 16], [23, 27], [17, 36], [31, 33]]
    )  # the head is tilted to the left
    glasses, mask = (placed(kind, Face((4, 4, 40, 44), 0.9, landmarks)) for kind in ("sunglasses", "mask"))
    assert (glasses.x, glasses.y) == (
        pytest.approx(22 / 48),
        pytest.approx(18 / 48),
    ) and glasses.tilt == pytest.approx(14.04, abs=0.1)
    assert glasses.width * 48 > 16 and mask.y > 30 / 48 and mask.tilt == glasses.tilt
    for kind in KINDS:
        assert placed(kind, None) == placed(kind, Face((4, 4, 40, 44), 1.0, None)), (
            "without landmarks: where most faces have it"
        )
    assert placed("mask", None).y > 0.65 > 0.45 > placed("sunglasses", None).y


def test_a_mask_hides_the_mouth_of_real_looking_faces(fer2013_data: Dataset) -> None:
    """The corners of the detected mouth are under the mask, and the eyes behind glasses."""
    detector, hidden = FaceDetector(), []
    for image in fer2013_data.images[30_000:30_030]:
        found = detector.detect(np.asarray(image))
        if not found or found[0].landmarks is None:
            continue
        for kind, points in (("sunglasses", found[0].landmarks[:2]), ("mask", found[0].landmarks[3:])):
            changed = apply(image, WhatIf((placed(kind, found[0]),))) != image  # type: ignore[arg-type]
            hidden += [changed[int(np.clip(y, 0, 47)), int(np.clip(x, 0, 47))] for x, y in points]
    assert len(hidden) > 60 and np.mean(hidden) > 0.9


def test_a_drawing_of_an_unknown_thing_is_one_sentence() -> None:
    assert drawing("mask").shape[1:] == (256, 4)
    with pytest.raises(DataError, match="Unknown cover 'hat': expected one of mask, sunglasses"):
        drawing("hat")  # type: ignore[arg-type]
