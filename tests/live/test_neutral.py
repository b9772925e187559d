"""Arithmetic of the neutral calibration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle, read_bundle
from fer_core.errors import ModelError
from fer_core.live import neutral


def test_a_face_that_is_neutral_as_others_are_is_left_as_it_is() -> None:
    usual = np.log([0.1, 0.2, 0.7])
    assert neutral.offset(usual, usual, 5) == pytest.approx(np.zeros(3))
    assert neutral.corrected(np.array([0.1, 0.2, 0.7]), np.zeros(3)) == pytest.approx([0.1, 0.2, 0.7])


def test_the_longer_a_face_is_seen_the_more_of_its_offset_is_taken_out() -> None:
    usual, mine = np.log([0.1, 0.2, 0.7]), np.log([0.5, 0.2, 0.3])
    sad = [
        neutral.corrected(np.exp(mine), neutral.offset(mine, usual, seconds))[0]
        for seconds in (0, 1, 3, 1000)
    ]
    assert sad == sorted(sad, reverse=True)
    assert sad[0] == pytest.approx(0.5) and sad[-1] == pytest.approx(0.1, abs=0.002)


def test_an_expression_that_is_plainly_there_is_still_seen() -> None:
    usual, mine = np.log([0.01, 0.01, 0.98]), np.log([0.98, 0.01, 0.01])  # a person who seems angry at rest
    shift = neutral.offset(mine, usual, 10)
    assert neutral.corrected(np.array([0.0005, 0.999, 0.0005]), shift).argmax() == 1
    assert neutral.corrected(np.array([0.98, 0.01, 0.01]), shift).argmax() == 2
    assert np.abs(neutral.offset(np.log([1e-9, 1, 1e-9]), usual, 1e9)).max() <= np.log(neutral.LIMIT) + 1e-9


def test_the_reference_comes_from_the_models_own_answers() -> None:
    bundle = find_bundle(PHOTO_MODEL)
    usual = neutral.reference(bundle)
    assert bundle.labels[int(usual.argmax())] == "neutral"
    assert 0.5 < np.exp(usual[bundle.labels.index("neutral")]) < 1


@pytest.mark.parametrize("broken", [None, b"no archive"])
def test_a_bundle_without_probabilities_calibrates_too(tmp_path: Path, broken: bytes | None) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"labels": ["happy", "neutral", "sad"]}))
    if broken is not None:
        (tmp_path / "probabilities.npz").write_bytes(broken)
    usual = np.exp(neutral.reference(read_bundle(tmp_path)))
    assert usual.argmax() == 1 and usual.sum() == pytest.approx(1)


def test_a_model_without_the_class_neutral_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"labels": ["happy", "sad"]}))
    with pytest.raises(ModelError, match="has no class neutral"):
        neutral.reference(read_bundle(tmp_path))
