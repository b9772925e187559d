"""Tracking: faces keep their numbers while they move, cross, and are out of sight for a moment."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.video import Smoother, Tracker


def box(x: float, y: float = 100.0, side: float = 80.0) -> tuple[float, float, float, float]:
    return x, y, side, side


def test_numbers_follow_the_faces_and_not_their_order() -> None:
    tracker = Tracker()
    assert tracker.update(0.0, [box(50), box(400)]) == [1, 2]
    assert tracker.update(0.2, [box(410), box(60)]) == [2, 1]
    assert tracker.update(0.4, [box(70), box(220), box(420)]) == [1, 3, 2]


def test_faces_that_cross_keep_their_numbers() -> None:
    """Two faces cross at the same height; where they overlap, only their motion distinguishes them."""
    tracker = Tracker()
    for i in range(21):
        left, right = box(100 + 20 * i), box(510 - 20 * i)
        assert tracker.update(i * 0.1, [left, right]) == [1, 2], i


def test_neighbours_within_reach_of_each_other_are_not_mixed_up() -> None:
    tracker = Tracker()
    assert tracker.update(0.0, [box(100), box(160)]) == [1, 2]
    assert tracker.update(0.2, [box(165), box(104)]) == [2, 1]
    assert tracker.update(0.4, [box(150), box(90, 140), box(90, 100)]) == [2, 3, 1]


def test_a_face_that_is_fast_for_its_frame_rate_keeps_its_number() -> None:
    tracker = Tracker()
    assert {tracker.update(i * 0.2, [box(70 * i)])[0] for i in range(8)} == {1}


def test_a_short_gap_is_bridged_and_a_long_one_is_not() -> None:
    tracker = Tracker(max_gap=1.0)
    tracker.update(0.0, [box(100)])
    tracker.update(0.2, [box(120)])
    assert tracker.update(0.4, []) == []
    assert tracker.update(0.6, [box(160)]) == [1]
    assert tracker.update(1.8, [box(160)]) == [2]
    assert tracker.numbers == [2]


def test_another_face_far_away_or_of_another_size_is_another() -> None:
    tracker = Tracker()
    tracker.update(0.0, [box(100)])
    assert tracker.update(0.2, [box(300)]) == [2]
    assert tracker.update(0.4, [box(60, 60, 200)]) == [3]


def test_smoothing_depends_on_time_and_not_on_the_number_of_frames() -> None:
    """After one time constant a step reaches 1 - 1/e, both at 5 and at 50 frames a second."""
    for rate in (5, 50):
        smoother = Smoother(1.0)
        smoother.update(1, 0.0, np.array([0.0, 1.0]))
        for i in range(1, rate + 1):
            smoothed = smoother.update(1, i / rate, np.array([1.0, 0.0]))
        assert smoothed[0] == pytest.approx(1 - np.exp(-1), abs=1e-3) and smoothed.sum() == pytest.approx(
            1, abs=1e-5
        )


def test_no_smoothing_and_faces_that_are_forgotten() -> None:
    plain = Smoother(0.0)
    plain.update(1, 0.0, np.array([0.0, 1.0]))
    assert plain.update(1, 0.01, np.array([1.0, 0.0])).tolist() == [1, 0]
    smoother = Smoother(1.0)
    smoother.update(1, 0.0, np.array([0.0, 1.0]))
    smoother.update(2, 0.0, np.array([0.0, 1.0]))
    smoother.keep([2])
    assert smoother.update(1, 0.1, np.array([1.0, 0.0])).tolist() == [1, 0]
    assert smoother.update(2, 0.1, np.array([1.0, 0.0]))[0] < 0.2
