"""The faces that a visitor collects: in this session's memory, as 48x48 crops, never the photos that they were cut from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from fer_core import imaging
from fer_core.bundle import Bundle
from fer_core.emotions import NAMES
from fer_core.errors import ImageError
from pages.shared import results

MOST_FACES = 500
_KEY = "own_collection"


@dataclass(frozen=True)
class OwnFace:
    """A collected face."""

    number: int  # within the session, never given twice
    label: str
    crop: np.ndarray  # (48, 48) uint8


@dataclass
class Collection:
    """The faces, what has just happened to them, and the pictures in which no face was found.

    `notes` are kinds ("success", "warning", "error") with a sentence, to be shown once.
    """

    faces: list[OwnFace] = field(default_factory=list)
    without_face: list[tuple[str, str, np.ndarray]] = field(
        default_factory=list
    )  # name, label, the whole picture as (48, 48) uint8
    notes: list[tuple[str, str]] = field(default_factory=list)
    given: int = 0  # numbers

    def of(self, label: str) -> list[OwnFace]:
        return [face for face in self.faces if face.label == label]

    def add_pictures(self, label: str, pictures: Iterable[tuple[str, bytes]], bundle: Bundle) -> None:
        """Add every face of some photos, given as name and content; a photo that cannot be read, or without a face, is noted."""
        before = len(self.faces)
        for name, content in pictures:
            try:
                picture, found = results.classify(name, content, bundle)
            except ImageError as error:
                self.notes.append(("error", str(error)))
                continue
            if not found:
                self.without_face.append((name, label, imaging.to_grey_48(picture)))
            for face in found:
                if not self._add(label, face.crop, name):
                    return
        if added := len(self.faces) - before:
            self.notes.append(("success", f"{added} {'face' if added == 1 else 'faces'} added to {label}."))

    def take_whole(self) -> None:
        """Add the pictures without a face as they are."""
        for name, label, crop in self.without_face:
            if not self._add(label, crop, name):
                break
        self.without_face.clear()

    def _add(self, label: str, crop: np.ndarray, name: str) -> bool:
        """Whether there is room for more. A face that is there already would be learned and tested at once, so it is left out."""
        if len(self.faces) >= MOST_FACES:
            self.notes.append(
                ("warning", f"{MOST_FACES} faces are the most that are kept here: remove some to add others.")
            )
            return False
        if there := next((face for face in self.faces if np.array_equal(face.crop, crop)), None):
            self.notes.append(("warning", f"The face in {name} is already among those of {there.label}."))
            return True
        self.given += 1
        self.faces.append(OwnFace(self.given, label, np.array(crop)))
        return True

    def remove(self, number: int) -> None:
        self.faces = [face for face in self.faces if face.number != number]

    def arrays(self, labels: Iterable[str]) -> tuple[np.ndarray, list[str]]:
        """(N, 48, 48) uint8 faces of some classes in the order of `emotions.NAMES`, and their N labels."""
        chosen = [face for name in NAMES if name in set(labels) for face in self.of(name)]
        crops = (
            np.stack([face.crop for face in chosen])
            if chosen
            else np.empty((0, imaging.SIZE, imaging.SIZE), np.uint8)
        )
        return crops, [face.label for face in chosen]


def collection() -> Collection:
    """This session's."""
    return st.session_state.setdefault(_KEY, Collection())
