"""What if: put a mask or sunglasses on a face, tilt, blur, darken it or add noise, and see what the model says then."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from fer_core import imaging
from fer_core.bundle import Bundle
from fer_core.data import open_dataset
from fer_core.emotions import EMOJI
from fer_core.inference.predict import crop_square, open_picture
from fer_core.robustness.disguise import KINDS, Cover, WhatIf, apply, placed
from pages.shared import face_grid, face_link, faces, state

from . import dragging
from .chosen import Chosen

_STRIP = 8
_TURN, _STRIP_TURN, _ROW, _FACE = "what_if_turn", "what_if_strip", "what_if_row", "what_if_face"
_EMBEDDED = "synthetic:70"


@dataclass(frozen=True)
class _Choice:
    """A face to try things on."""

    name: str  # which one, for keys
    image: np.ndarray  # (48, 48) uint8
    label: str | None  # its true class, where it is known


def show(chosen: Chosen) -> None:
    """The view. Each change runs this part of the page alone."""
    if (row := face_link.asked() or "").isdecimal():  # once it was looked at closely, things are tried on it
        st.session_state[_ROW] = int(row) if len(row) < 15 else None
        st.session_state[_FACE] = None
    st.fragment(_view)(chosen)


def _view(chosen: Chosen) -> None:
    above = st.container()  # the choice stands below what it is for
    choice = None
    with state.errors_shown(stop=False):
        choice = _choose(chosen)
    if choice is None:
        return
    with above, state.errors_shown(stop=False):
        turn = st.session_state.setdefault(_TURN, 0)
        picture, answers, controls = st.columns([5, 5, 4], gap="large")
        with controls:
            covers, what = _controls(choice, turn)
        seen = apply(choice.image, what)
        with picture:
            key = _drag_key(choice, turn)
            said = ", ".join(cover.kind for cover in covers)
            dragging.show(
                seen,
                apply(choice.image, replace(what, covers=())),
                covers,
                what.rotation,
                key,
                f"the face as the model sees it{', with ' + said if said else ''}",
            )
            st.caption(
                "48x48 pixels, as the model sees it."
                + (" Drag what is put on, or move it by the arrow keys." if covers else "")
            )
        with answers:
            _answers(chosen.bundle, choice, seen)
        st.caption(
            "What holds for one face may be chance: how the model fares on hundreds of worse pictures stands under Robustness."
        )


def _controls(choice: _Choice, turn: int) -> tuple[list[Cover], WhatIf]:
    worn = st.pills(
        "Put on", KINDS, selection_mode="multi", format_func=str.capitalize, key=f"what_if_worn_{turn}"
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
            format="%d %%",
            help="Its width, as a share of the picture's.",
        )
        covers.append(replace(first[kind], width=size / 100))
    at = dragging.places(_drag_key(choice, turn), covers)
    covers = [replace(cover, x=x, y=y) for cover, (x, y) in zip(covers, at, strict=True)]
    rotation = st.slider("Tilt", -45, 45, 0, key=f"what_if_tilt_{turn}", format="%d°")
    blur = st.slider(
        "Blur",
        0.0,
        3.0,
        0.0,
        0.1,
        key=f"what_if_blur_{turn}",
        help="Deviation of a Gaussian, in pixels of the 48.",
    )
    darkness = st.slider(
        "Darkness",
        0,
        95,
        0,
        key=f"what_if_dark_{turn}",
        format="%d %%",
        help="The share of the light that is taken away.",
    )
    noise = st.slider(
        "Noise", 0, 60, 0, key=f"what_if_noise_{turn}", help="Standard deviation in grey values of 255."
    )
    what = WhatIf(tuple(covers), float(rotation), blur, darkness / 100, float(noise))
    st.button(
        "Undo all", key="what_if_undo", icon=":material/undo:", on_click=_undo, disabled=what == WhatIf()
    )
    return covers, what


def _undo() -> None:
    st.session_state[_TURN] += 1  # widgets with new keys stand where they stood first


def _drag_key(choice: _Choice, turn: int) -> str:
    return f"what_if_drag_{turn}_{choice.name}"


def _answers(bundle: Bundle, choice: _Choice, seen: np.ndarray) -> None:
    before, after = state.predictor(bundle).classifier.probabilities(np.stack([choice.image, seen]))
    first, then = (bundle.labels[row.argmax()] for row in (before, after))
    if np.array_equal(seen, choice.image):
        st.markdown(f"**{bundle.name} says** {EMOJI.get(first, '')} **{first}**{_truth(choice)}")
        faces.probability_bars(_by_name(bundle, before))
        return
    turned = f"still **{first}**" if first == then else f"**{then}** instead of {first}"
    st.markdown(f"**{bundle.name} now says** {EMOJI.get(then, '')} {turned}{_truth(choice)}")
    faces.probability_bars(_by_name(bundle, after))
    st.caption(
        f"The probability of {first} went from {before.max():.0%} to {after[before.argmax()]:.0%}. Before:"
    )
    faces.probability_bars(_by_name(bundle, before))


def _truth(choice: _Choice) -> str:
    return f" (true: {choice.label})" if choice.label else ""


def _by_name(bundle: Bundle, row: np.ndarray) -> dict[str, float]:
    return {name: float(p) for name, p in zip(bundle.labels, row, strict=True)}


@st.cache_data(max_entries=100, show_spinner=False)
def _placed(pixels: bytes) -> dict[str, Cover]:
    """Where mask and sunglasses belong on this face."""
    found = state.predictor(state.photo_bundle()).detector.detect(
        np.frombuffer(pixels, np.uint8).reshape(48, 48)
    )
    largest = max(found, key=lambda face: face.box[2] * face.box[3], default=None)
    return {kind: placed(kind, largest) for kind in KINDS}


# --- the face ------------------------------------------------------------------------------------------------------------


def _choose(chosen: Chosen) -> _Choice:
    """The face of the boxes: one's own, the one that was looked at last, or one of the strip."""
    st.subheader("Another face")
    grid = st.container()
    own = _own()
    if own is not None:
        return own
    strip = _strip(chosen)
    asked = st.session_state.get(_ROW)
    looked_at = None if asked is None or chosen.data is None else _of_row(chosen, asked)
    choices = {choice.name: choice for choice in ([looked_at] if looked_at else []) + strip}
    name = st.session_state.get(_FACE)
    present = choices[name] if name in choices else next(iter(choices.values()))
    names = list(choices)
    shown = [
        face_grid.Face(
            i, choice.image, choice.label or "", ("tried on",) if choice.name == present.name else ()
        )
        for i, choice in enumerate(choices.values())
    ]

    def take(place: int) -> None:
        st.session_state[_FACE] = names[place]

    with grid:
        face_grid.show(shown, "what_if_strip_grid", on_open=take, least=72)
        st.button("Other faces", key="what_if_other", icon=":material/casino:", on_click=_other_faces)
    return present


def _other_faces() -> None:
    st.session_state[_STRIP_TURN] = st.session_state.get(_STRIP_TURN, 0) + 1
    st.session_state[_ROW] = st.session_state[_FACE] = None


def _strip(chosen: Chosen) -> list[_Choice]:
    """Some faces, one of each class first; embedded drawings where the images are not here."""
    rng = np.random.default_rng(st.session_state.get(_STRIP_TURN, 0))
    if chosen.data is None or chosen.indices is None:
        data = open_dataset(_EMBEDDED)
        chosen_ones = _one_of_each(data.labels.astype(int), rng)
        return [
            _Choice(f"drawn-{i}", np.asarray(data.images[i]), data.label_names[data.labels[i]])
            for i in chosen_ones
        ]
    return [_of_position(chosen, int(p)) for p in _one_of_each(chosen.record.true, rng)]


def _one_of_each(true: np.ndarray, rng: np.random.Generator) -> list[int]:
    first = [int(rng.choice(np.flatnonzero(true == label))) for label in np.unique(true)]
    return (first + [int(p) for p in rng.permutation(len(true)) if p not in first])[:_STRIP]


def _of_row(chosen: Chosen, row: int) -> _Choice | None:
    found = np.flatnonzero(chosen.record.rows == row)
    return _of_position(chosen, int(found[0])) if len(found) else None


def _of_position(chosen: Chosen, position: int) -> _Choice:
    assert chosen.data is not None and chosen.indices is not None
    record, index = chosen.record, int(chosen.indices[position])
    return _Choice(
        f"{record.fingerprint}-{record.rows[position]}",
        np.asarray(chosen.data.images[index]),
        record.labels[record.true[position]],
    )


def _own() -> _Choice | None:
    """The largest face of one's own photo; it stays in memory."""
    with st.expander("A photo of your own", icon=":material/add_a_photo:"):
        upload = st.file_uploader(
            "Photo",
            type=["jpg", "jpeg", "png", "webp"],
            key="what_if_photo",
            label_visibility="collapsed",
            help="It stays on this machine and in memory.",
        )
        if upload is None:
            return None
        picture = None
        with state.errors_shown(stop=False):
            picture = open_picture(upload.getvalue())
        if picture is None:
            return None
        found = state.predictor(state.photo_bundle()).detector.detect(np.asarray(picture))
        if not found:
            st.info("No face was found in this photo.", icon=":material/search_off:")
            return None
        face = max(found, key=lambda face: face.box[2] * face.box[3])
        return _Choice(f"own-{upload.file_id}", imaging.to_grey_48(crop_square(picture, face)), None)
