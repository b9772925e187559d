"""Marks on pictures: numbers, outlines that are seen on any picture, labels that avoid each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from fer_core.emotions import COLOURS
from fer_core.inference import FacePrediction, drawing
from fer_core.inference.drawing import Mark, draw_marks, draw_predictions


def face(box: tuple[int, int, int, int]) -> FacePrediction:
    return FacePrediction(box, 0.9, {"happy": 0.9, "sad": 0.1}, np.zeros((48, 48), np.uint8), None, 0)


def texts(monkeypatch: pytest.MonkeyPatch, *boxes: tuple[int, int, int, int]) -> list[str]:
    drawn: list[Mark] = []
    monkeypatch.setattr(drawing, "draw_marks", lambda picture, marks: drawn.extend(marks))
    draw_predictions(Image.new("RGB", (400, 300)), [face(box) for box in boxes])
    return [mark.text for mark in drawn]


def test_several_faces_are_numbered_like_their_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    assert texts(monkeypatch, (10, 50, 40, 40), (90, 50, 40, 40)) == ["1: happy 90%", "2: happy 90%"]
    assert texts(monkeypatch, (10, 50, 40, 40)) == ["happy 90%"]


@pytest.mark.parametrize("colour", [*COLOURS.values(), "#8C8C8C", "#FFFFFF"])
@pytest.mark.parametrize("ground", ["#000000", "#FFFFFF", "same"])
def test_an_outline_is_seen_on_any_picture(colour: str, ground: str) -> None:
    picture = Image.new("RGB", (400, 300), colour if ground == "same" else ground)
    before = np.asarray(picture).astype(int)
    draw_marks(picture, [Mark((100, 100, 120, 120), "x", colour)])
    across = np.abs(np.asarray(picture).astype(int) - before)[160, 90:110].max(axis=-1)
    assert across.max() > 80


def test_labels_cover_neither_each_other_nor_the_next_face(monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[tuple[int, int, int, int]] = []
    place = drawing._label_place
    monkeypatch.setattr(drawing, "_label_place", lambda *a: placed.append(place(*a)) or placed[-1])
    # two rows of faces close together: above the lower row there is no room
    boxes = [(40 + 130 * column, top, 100, 100) for top in (60, 175) for column in range(4)]
    picture = Image.new("RGB", (600, 400))
    draw_marks(picture, [Mark(box, "1: surprise 99%", "#E69F00") for box in boxes])
    for first, second in itertools.combinations(placed, 2):
        assert drawing._common(first, second) == 0
    covered = [
        drawing._common(label, drawing._corners(box))
        for i, label in enumerate(placed)
        for j, box in enumerate(boxes)
        if i != j
    ]
    assert max(covered) <= 0.1 * 100 * 100
    assert all(x >= 0 and y >= 0 and right <= 600 and bottom <= 400 for x, y, right, bottom in placed)
