"""Slices: their images, their accuracy, and when they are marked as worse."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer_core.data.vote_counts import COLUMNS
from fer_core.evaluation.face_size import face_sizes
from fer_core.evaluation.slices import slices
from fer_core.metrics.interval import Proportion, difference_interval
from tests.conftest import ROOT


def case(
    count: int, seed: int = 0, accuracy: float = 0.7
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Answers that are right by chance alone, and measures that have nothing to do with it."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 7, count)
    message = np.where(rng.random(count) < accuracy, true, (true + 1) % 7)
    measures = {
        name: rng.normal(100, 20, count).astype(np.float32)
        for name in ("brightness", "contrast", "sharpness")
    }
    return np.eye(7)[message], true, measures


def test_fifths_hold_a_fifth_each_and_their_figures_are_counted() -> None:
    probabilities, true, measures = case(1000)
    found = slices(probabilities, true, **measures)
    right = probabilities.argmax(1) == true
    assert len(found.slices) == 15 and not found.left_out
    for one in found.slices:
        assert (
            one.right.count == 200 and one.rest.count == 800 and one.right.hits == right[one.positions].sum()
        )
        assert one.right.hits + one.rest.hits == right.sum()
    shares = [one.right.share for one in found.slices]
    assert shares == sorted(shares), "worst first"
    darkest = next(one for one in found.slices if one.name.startswith("darkest"))
    edge = np.quantile(measures["brightness"], 0.2)
    assert np.array_equal(darkest.positions, np.flatnonzero(measures["brightness"] < edge))
    assert darkest.name == f"darkest fifth ({measures['brightness'].min():.0f} to {edge:.0f})"


def test_a_slice_in_which_a_model_fails_is_marked_and_no_other() -> None:
    probabilities, true, measures = case(2000)
    dark = measures["brightness"] < np.quantile(measures["brightness"], 0.2)
    true = np.where(dark & (np.random.default_rng(9).random(2000) < 0.3), (true + 3) % 7, true)
    found = slices(probabilities, true, **measures)
    assert [one.name.split(" (")[0] for one in found.slices if one.worse] == [
        "darkest fifth"
    ] and found.slices[0].worse


def test_chance_marks_hardly_ever_a_slice() -> None:
    marked = sum(
        any(one.worse for one in slices(p, t, **m).slices)
        for p, t, m in (case(600, seed) for seed in range(200))
    )
    assert marked / 200 < 0.05


def test_small_slices_are_mentioned_instead_of_shown() -> None:
    probabilities, true, measures = case(120)
    counts = np.zeros((120, 10), np.uint8)
    counts[:, COLUMNS.index("fear")] = 10
    counts[:15] = [5, 5, *[0] * 8]
    counts[15:60] = [6, 4, *[0] * 8]
    found = slices(probabilities, true, **measures, votes=counts)
    agreed = {one.name: one.right.count for one in found.slices if one.measure == "vote agreement"}
    assert agreed == {"voters unsure (51 to 70% agree)": 45, "voters agree (more than 90%)": 60}
    assert any(text.startswith("Voters split") and "only 15 images" in text for text in found.left_out)
    assert not slices(*case(90)[:2], **case(90)[2]).slices, "fifths of 18 images"


def test_faces_that_were_not_found_are_a_slice_of_their_own() -> None:
    probabilities, true, measures = case(500)
    size = np.random.default_rng(0).uniform(0.2, 1, 500).astype(np.float32)
    size[:100] = np.nan
    found = [
        one
        for one in slices(probabilities, true, **measures, face_size=size).slices
        if one.measure == "face size"
    ]
    assert len(found) == 6
    lost = next(one for one in found if one.name == "no face found")
    assert lost.positions.tolist() == list(range(100)) and lost.rest.count == 400
    assert sum(one.right.count for one in found) == 500
    assert all(one.rest.count == 500 - one.right.count for one in found if one is lost)
    assert all(one.rest.count == 400 - one.right.count for one in found if one is not lost)


def test_equal_values_make_no_slices_and_no_image_is_lost_or_counted_twice() -> None:
    probabilities, true, measures = case(500)
    found = slices(probabilities, true, **measures | {"contrast": np.full(500, 3.0)})
    assert "All images have about the same contrast." in found.left_out and not any(
        s.measure == "contrast" for s in found.slices
    )
    probabilities, true, measures = case(501)
    steps = np.repeat([1.0, 2.0, 3.0], [150, 150, 201])  # on which the ends of fifths lie
    found = [
        one
        for one in slices(probabilities, true, **measures | {"contrast": steps}).slices
        if one.measure == "contrast"
    ]
    assert sorted(np.concatenate([one.positions for one in found])) == list(range(501)), "each stands in one"


@pytest.mark.parametrize(
    ("a", "b", "expected"), [((56, 70), (48, 80), (0.0524, 0.3339)), ((9, 10), (3, 10), (0.1705, 0.8090))]
)
def test_the_interval_of_a_difference_is_newcombes(
    a: tuple[int, int], b: tuple[int, int], expected: tuple[float, float]
) -> None:
    """The examples (a) and (b) of Newcombe 1998, table II, method 10."""
    assert difference_interval(Proportion(*a), Proportion(*b)) == pytest.approx(expected, abs=5e-5)


def test_a_share_without_images_is_unknown() -> None:
    assert str(Proportion(0, 0)) == "unknown (no image)" and str(Proportion(1, 2)) == "50.0% (9.5% to 90.5%)"


def test_a_face_fills_more_of_a_closer_picture() -> None:
    portrait = cv2.imread(str(ROOT / "pages" / "assets" / "portrait.jpg"), cv2.IMREAD_GRAYSCALE)
    from fer_core.inference.detector import FaceDetector

    x, y, w, h = FaceDetector().detect(portrait)[0].box
    crops = []
    for room in (0.1, 0.6):
        side = max(w, h) * (1 + 2 * room)
        left, top = max(0, int(x + w / 2 - side / 2)), max(0, int(y + h / 2 - side / 2))
        crops.append(
            cv2.resize(
                portrait[top : top + int(side), left : left + int(side)],
                (48, 48),
                interpolation=cv2.INTER_AREA,
            )
        )
    reported: list[float] = []
    near, far, nothing = face_sizes(np.stack([*crops, np.full((48, 48), 90, np.uint8)]), reported.append)
    assert 0.4 < near <= 1 and 0.08 < far < 0.5 and np.isnan(nothing) and reported[-1] == 1
