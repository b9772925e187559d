"""The faces that a visitor collects: 48x48 crops in the memory of the session, never whole photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from fer_core import imaging
from fer_core.bundles.bundle import Bundle
from fer_core.emotions import NAMES
from fer_core.errors import ImageError
from fer_core.wording import plural
from pages.widgets import photo_results

MOST_FACES = 500
_KEY = "own_collection"


@dataclass(frozen=True)
class OwnFace:
    """A collected face."""

    number: int  # unique in the session
    label: str
    crop: np.ndarray  # (48, 48) uint8


@dataclass
class FaceCollection:
    """The collected faces, messages about them, and the photos in which no face was found."""

    faces: list[OwnFace] = field(default_factory=list)
    # name, label, the whole photo as (48, 48) uint8
    without_face: list[tuple[str, str, np.ndarray]] = field(default_factory=list)
    # "success", "warning" or "error", and a message
    notes: list[tuple[str, str]] = field(default_factory=list)
    last_number: int = 0

    def of(self, label: str) -> list[OwnFace]:
        """Return the faces of a class."""
        return [face for face in self.faces if face.label == label]

    def add_pictures(self, label: str, pictures: Iterable[tuple[str, bytes]], bundle: Bundle) -> None:
        """Add the faces of some photos; unreadable photos and photos without a face are noted.

        Args:
            label: Class of the faces.
            pictures: Name and content of each photo.
            bundle: The model whose face detector is used.
        """
        before = len(self.faces)
        for name, content in pictures:
            try:
                read = photo_results.classify(name, content, bundle)
            except ImageError as error:
                self.notes.append(("error", str(error)))
                continue
            if not read.faces:
                self.without_face.append((name, label, imaging.to_grey_48(read.picture)))
            for face in read.faces:
                if not self._add(label, face.crop, name):
                    return
        if added := len(self.faces) - before:
            self.notes.append(("success", f"{plural(added, 'face')} added to {label}."))

    def add_burst(self, label: str, pictures: Iterable[bytes], bundle: Bundle) -> None:
        """Add the largest face of each picture that was recorded in a burst.

        Pictures without a face or with the very same one are common in a burst, so they are only counted.
        """
        before, left_out = len(self.faces), 0
        for content in pictures:
            try:
                faces = photo_results.classify("the burst", content, bundle).faces
            except ImageError:
                faces = []
            crop = max(faces, key=lambda face: face.box[2] * face.box[3]).crop if faces else None
            if crop is None or any(np.array_equal(face.crop, crop) for face in self.faces):
                left_out += 1
            elif not self._add(label, crop, "the burst"):
                break
        added = len(self.faces) - before
        rest = f", {plural(left_out, 'picture')} without a new one" if left_out else ""
        self.notes.append(
            ("success" if added else "warning", f"{plural(added, 'face')} added to {label}{rest}.")
        )

    def take_whole(self) -> None:
        """Add the whole photos in which no face was found."""
        for name, label, crop in self.without_face:
            if not self._add(label, crop, name):
                break
        self.without_face.clear()

    def _add(self, label: str, crop: np.ndarray, name: str) -> bool:
        """Add a face and return whether there is room for more.

        A face that is already there would be used for both training and testing, so it is left out.
        """
        if len(self.faces) >= MOST_FACES:
            self.notes.append(
                ("warning", f"At most {MOST_FACES} faces can be collected: remove some to add others.")
            )
            return False
        if duplicate := next((face for face in self.faces if np.array_equal(face.crop, crop)), None):
            self.notes.append(("warning", f"The face in {name} has already been added to {duplicate.label}."))
            return True
        self.last_number += 1
        self.faces.append(OwnFace(self.last_number, label, np.array(crop)))
        return True

    def remove(self, number: int) -> None:
        """Remove a face."""
        self.faces = [face for face in self.faces if face.number != number]

    def arrays(self, labels: Iterable[str]) -> tuple[np.ndarray, list[str]]:
        """Return faces (N, 48, 48) uint8 of some classes, ordered as `emotions.NAMES`, and their labels."""
        chosen = [face for name in NAMES if name in set(labels) for face in self.of(name)]
        crops = (
            np.stack([face.crop for face in chosen])
            if chosen
            else np.empty((0, imaging.SIZE, imaging.SIZE), np.uint8)
        )
        return crops, [face.label for face in chosen]


def current() -> FaceCollection:
    """Return the collection of this session."""
    return st.session_state.setdefault(_KEY, FaceCollection())
