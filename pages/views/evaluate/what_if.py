"""What if: add mask, sunglasses, tilt, blur, darkness or noise to a face, and see the new prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from fer_core import imaging
from fer_core.bundles.bundle import PHOTO_MODEL, Bundle, find_bundle
from fer_core.data import open_dataset
from fer_core.emotions import EMOJI
from fer_core.inference.predict import crop_square, open_picture
from fer_core.robustness.what_if import KINDS, Cover, WhatIf, apply, placed
from pages.session import cached_models, face_link
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import face_grid, faces

from . import draggable_covers
from .selection import Selection

_STRIP = 8
_TURN, _STRIP_TURN, _ROW, _FACE = "what_if_turn", "what_if_strip", "what_if_row", "what_if_face"
_EMBEDDED = "synthetic:70"


@dataclass(frozen=True)
class _Choice:
    """A face to change."""

    name: str  # unique, for keys
    image: np.ndarray  # (48, 48) uint8
    label: str | None  # true class, if known


def show(selection: Selection) -> None:
    """Draw the view as a fragment, so that each change runs only this part of the page."""
    if (
        row := face_link.requested() or ""
    ).isdecimal():  # the face that was opened last is the face to change
        st.session_state[_ROW] = int(row) if len(row) < 15 else None
        st.session_state[_FACE] = None
    st.fragment(_view)(selection)


def _view(selection: Selection) -> None:
    above = st.container()  # drawn above the box that chooses the face
    choice = None
    with errors_shown(stop=False):
        choice = _choose(selection)
    if choice is None:
        return
    with above, errors_shown(stop=False):
        turn = st.session_state.setdefault(_TURN, 0)
        picture, answers, controls = st.columns([5, 5, 4], gap="large")
        with controls:
            covers, what = _controls(choice, turn)
        changed = apply(choice.image, what)
        with picture:
            key = _drag_key(choice, turn)
            worn = ", ".join(cover.kind for cover in covers)
            draggable_covers.show(
                changed,
                apply(choice.image, replace(what, covers=())),
                covers,
                what.rotation,
                key,
                f"the face as the model sees it{', with ' + worn if worn else ''}",
            )
            st.caption(
                "48x48 pixels, as the model sees it."
                + (" Drag mask and sunglasses, or move them with the arrow keys." if covers else "")
            )
        with answers:
            _answers(selection.bundle, choice, changed)
        st.caption(
            "The result for one face may be chance: Robustness shows the accuracy on hundreds of corrupted "
            "images."
        )


def _controls(choice: _Choice, turn: int) -> tuple[list[Cover], WhatIf]:
    worn = st.pills(
        "Put on",
        KINDS,
        selection_mode="multi",
        format_func=lambda kind: plain(kind.capitalize()),
        key=f"what_if_worn_{turn}",
    )
    first = _placed(choice.image.tobytes())
    covers = []
    for kind in [kind for kind in KINDS if kind in worn]:
        size = st.slider(
            f"Size of the {kind}",
            20,
            120,
            round(100 * first[kind].width),
            key=f"what_if_{kind}_{turn}_{choice.name}",
            format="%d%%",
            help="Width, as a share of the width of the image.",
        )
        covers.append(replace(first[kind], width=size / 100))
    at = draggable_covers.places(_drag_key(choice, turn), covers)
    covers = [replace(cover, x=x, y=y) for cover, (x, y) in zip(covers, at, strict=True)]
    rotation = st.slider("Tilt", -45, 45, 0, key=f"what_if_tilt_{turn}", format="%d°")
    blur = st.slider(
        "Blur",
        0.0,
        3.0,
        0.0,
        0.1,
        key=f"what_if_blur_{turn}",
        help="Standard deviation of a Gaussian, in pixels of the 48.",
    )
    darkness = st.slider(
        "Darkness",
        0,
        95,
        0,
        key=f"what_if_dark_{turn}",
        format="%d%%",
        help="Share of the light that is removed.",
    )
    noise = st.slider(
        "Noise", 0, 60, 0, key=f"what_if_noise_{turn}", help="Standard deviation, in grey values of 0 to 255."
    )
    what = WhatIf(tuple(covers), float(rotation), blur, darkness / 100, float(noise))
    st.button(
        "Undo all", key="what_if_undo", icon=":material/undo:", on_click=_undo, disabled=what == WhatIf()
    )
    return covers, what


def _undo() -> None:
    st.session_state[_TURN] += 1  # widgets with new keys begin with their defaults


def _drag_key(choice: _Choice, turn: int) -> str:
    return f"what_if_drag_{turn}_{choice.name}"


def _answers(bundle: Bundle, choice: _Choice, changed: np.ndarray) -> None:
    before, after = cached_models.predictor(bundle).classifier.probabilities(
        np.stack([choice.image, changed])
    )
    first, then = (bundle.labels[row.argmax()] for row in (before, after))
    if np.array_equal(changed, choice.image):
        st.markdown(
            f"**{plain(bundle.name)} predicts** {EMOJI.get(first, '')} **{plain(first)}**{_truth(choice)}"
        )
        faces.probability_bars(_by_name(bundle, before))
        return
    change = f"still **{plain(first)}**" if first == then else f"**{plain(then)}** instead of {plain(first)}"
    st.markdown(f"**{plain(bundle.name)} now predicts** {EMOJI.get(then, '')} {change}{_truth(choice)}")
    faces.probability_bars(_by_name(bundle, after))
    st.caption(
        f"The probability of {plain(first)} changed from {before.max():.0%} to "
        f"{after[before.argmax()]:.0%}. Before:"
    )
    faces.probability_bars(_by_name(bundle, before))


def _truth(choice: _Choice) -> str:
    return f" (true: {plain(choice.label)})" if choice.label else ""


def _by_name(bundle: Bundle, row: np.ndarray) -> dict[str, float]:
    return {name: float(p) for name, p in zip(bundle.labels, row, strict=True)}


@st.cache_data(max_entries=100, show_spinner=False)
def _placed(pixels: bytes) -> dict[str, Cover]:
    """Return the initial places of mask and sunglasses on a face."""
    detected = cached_models.predictor(find_bundle(PHOTO_MODEL)).detector.detect(
        np.frombuffer(pixels, np.uint8).reshape(48, 48), one_look=True
    )
    largest = max(detected, key=lambda face: face.box[2] * face.box[3], default=None)
    return {kind: placed(kind, largest) for kind in KINDS}


# --- choice of the face


def _choose(selection: Selection) -> _Choice:
    """Draw the choice and return the face: an own photo, the face opened last, or a face of the strip."""
    st.subheader("Another face")
    grid = st.container()
    own_face = _own()
    if own_face is not None:
        return own_face
    strip = _strip(selection)
    row = st.session_state.get(_ROW)
    opened = None if row is None or selection.data is None else _of_row(selection, row)
    choices = {choice.name: choice for choice in ([opened] if opened else []) + strip}
    name = st.session_state.get(_FACE)
    present = choices[name] if name in choices else next(iter(choices.values()))
    names = list(choices)
    shown = [
        face_grid.Face(
            i, choice.image, choice.label or "", ("shown above",) if choice.name == present.name else ()
        )
        for i, choice in enumerate(choices.values())
    ]

    def take(place: int) -> None:
        st.session_state[_FACE] = names[place]

    with grid:
        face_grid.show(shown, "what_if_strip_grid", on_open=take, min_width=72)
        st.button("Other faces", key="what_if_other", icon=":material/casino:", on_click=_other_faces)
    return present


def _other_faces() -> None:
    st.session_state[_STRIP_TURN] = st.session_state.get(_STRIP_TURN, 0) + 1
    st.session_state[_ROW] = st.session_state[_FACE] = None


def _strip(selection: Selection) -> list[_Choice]:
    """Return some faces, one of each class first; embedded drawings where the images are not available."""
    rng = np.random.default_rng(st.session_state.get(_STRIP_TURN, 0))
    if selection.data is None or selection.indices is None:
        data = open_dataset(_EMBEDDED)
        indices = _one_of_each(data.labels.astype(int), rng)
        return [
            _Choice(f"drawn-{i}", np.asarray(data.images[i]), data.label_names[data.labels[i]])
            for i in indices
        ]
    return [_of_position(selection, int(p)) for p in _one_of_each(selection.record.true, rng)]


def _one_of_each(true: np.ndarray, rng: np.random.Generator) -> list[int]:
    first = [int(rng.choice(np.flatnonzero(true == label))) for label in np.unique(true)]
    return (first + [int(p) for p in rng.permutation(len(true)) if p not in first])[:_STRIP]


def _of_row(selection: Selection, row: int) -> _Choice | None:
    positions = np.flatnonzero(selection.record.rows == row)
    return _of_position(selection, int(positions[0])) if len(positions) else None


def _of_position(selection: Selection, position: int) -> _Choice:
    assert selection.data is not None and selection.indices is not None
    record, index = selection.record, int(selection.indices[position])
    return _Choice(
        f"{record.fingerprint}-{record.rows[position]}",
        np.asarray(selection.data.images[index]),
        record.labels[record.true[position]],
    )


def _own() -> _Choice | None:
    """Draw the uploader and return the largest face of the photo, which stays in memory."""
    with st.expander("A photo of your own", icon=":material/add_a_photo:"):
        upload = st.file_uploader(
            "Photo",
            key="what_if_photo",
            label_visibility="collapsed",
            help="The photo stays in the memory of this machine.",
        )
        if upload is None:
            return None
        picture = None
        with errors_shown(stop=False):
            picture = open_picture(upload.getvalue())
        if picture is None:
            return None
        pixels = np.asarray(picture)
        detected = cached_models.predictor(find_bundle(PHOTO_MODEL)).detector.detect(pixels)
        if not detected:
            st.info("No face was found in this photo.", icon=":material/search_off:")
            return None
        face = max(detected, key=lambda face: face.box[2] * face.box[3])
        return _Choice(f"own-{upload.file_id}", imaging.to_grey_48(crop_square(pixels, face)), None)
