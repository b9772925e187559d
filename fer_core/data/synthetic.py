"""Synthetic faces: a data set of drawn grey faces with seven expressions, which needs no download.

A face is a person (head, hair, skin, light, pose: `_PERSON`) with activated facial muscles (`EXPRESSIONS`).
The muscles are the action units (AU) of the Facial Action Coding System, and their combinations are its
prototypes of the basic emotions: P. Ekman, W. V. Friesen, J. C. Hager, *Facial Action Coding System, The
Manual* (1978, 2002) and the *Investigator's Guide*. `synthetic_drawing` turns both into pixels.

The faces are stylised. A network that classifies them well shows that the program works, not that it reads
real faces.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import cv2
import numpy as np

from .. import emotions
from ..errors import DataError
from . import synthetic_drawing as drawing

DEFAULT_COUNT = 3500
SIZE = drawing.SIZE

# Facial muscles, 0 at rest and about 1 at full strength; signed ones move both ways.
ACTIONS: tuple[str, ...] = (
    "inner_brow",  # AU1: inner ends of the brows up
    "outer_brow",  # AU2: outer ends of the brows up
    "brow_lower",  # AU4: brows down and together
    "upper_lid",  # AU5: upper lid up (-: drooping)
    "cheek",  # AU6: cheeks up, pushing the lower lid
    "lid_tight",  # AU7: lids narrowed
    "nose_wrinkle",  # AU9
    "lip_raise",  # AU10: upper lip up
    "corner",  # AU12: corners of the mouth up (-: AU15, down)
    "stretch",  # AU20: mouth wide (-: AU18, narrow)
    "press",  # AU23 and AU24: lips thin and pressed
    "chin",  # AU17: chin boss up
    "open",  # AU25 to AU27: lips parted to jaw dropped
    "upper_teeth",
    "lower_teeth",
    "tongue",  # AU19: tongue shown
    "one_sided",  # how much stronger AU10 is on one side
)

# fmt: off
# For each expression the ways it is shown, all equally likely, as the actions at full strength.
EXPRESSIONS: dict[str, tuple[dict[str, float], ...]] = {
    "angry": (
        # lips pressed together
        {"brow_lower": 1.1, "inner_brow": -0.3, "outer_brow": 0.35, "upper_lid": 0.25, "lid_tight": 0.7,
         "press": 1.0, "chin": 0.5, "corner": -0.3, "stretch": -0.15},
        # teeth bared in a square mouth
        {"brow_lower": 1.15, "inner_brow": -0.3, "outer_brow": 0.35, "upper_lid": 0.35, "lid_tight": 0.6,
         "open": 0.42, "upper_teeth": 1.0, "lower_teeth": 1.0, "corner": -0.35, "stretch": 0.1,
         "nose_wrinkle": 0.25},
        # shouting
        {"brow_lower": 1.2, "inner_brow": -0.35, "outer_brow": 0.4, "upper_lid": 0.45, "lid_tight": 0.5,
         "open": 0.85, "upper_teeth": 0.7, "lower_teeth": 0.5, "corner": -0.3, "nose_wrinkle": 0.3},
    ),
    "disgust": (
        {"brow_lower": 0.55, "lid_tight": 1.0, "cheek": 0.45, "nose_wrinkle": 1.1, "lip_raise": 1.0,
         "corner": -0.35, "chin": 0.4, "one_sided": 0.8, "upper_lid": -0.4},
        {"brow_lower": 0.6, "lid_tight": 1.05, "cheek": 0.5, "nose_wrinkle": 1.2, "lip_raise": 1.2,
         "corner": -0.4, "open": 0.3, "upper_teeth": 0.9, "one_sided": 0.9, "upper_lid": -0.45},
        {"brow_lower": 0.5, "lid_tight": 1.0, "cheek": 0.5, "nose_wrinkle": 1.1, "lip_raise": 0.5,
         "corner": -0.4, "open": 0.45, "tongue": 1.0, "one_sided": 0.9, "upper_lid": -0.45},
    ),
    "fear": (
        {"inner_brow": 1.15, "outer_brow": 0.35, "brow_lower": 0.45, "upper_lid": 0.95, "lid_tight": 0.1,
         "stretch": 0.6, "corner": -0.25, "open": 0.5, "lower_teeth": 0.6, "upper_teeth": 0.4},
        {"inner_brow": 1.2, "outer_brow": 0.3, "brow_lower": 0.5, "upper_lid": 1.05,
         "stretch": 0.75, "corner": -0.35, "open": 0.3, "upper_teeth": 0.9, "lower_teeth": 0.9},
    ),
    "happy": (
        # closed smile
        {"cheek": 0.75, "corner": 0.95, "stretch": 0.3, "lid_tight": 0.15, "outer_brow": 0.1},
        # smile with teeth
        {"cheek": 0.9, "corner": 0.95, "stretch": 0.4, "open": 0.4, "upper_teeth": 1.2, "inner_brow": 0.1},
        # laugh
        {"cheek": 1.05, "corner": 1.0, "stretch": 0.4, "open": 0.8, "upper_teeth": 1.0, "inner_brow": 0.2,
         "outer_brow": 0.2},
    ),
    "sad": (
        {"inner_brow": 1.1, "outer_brow": -0.3, "brow_lower": 0.35, "upper_lid": -0.8, "corner": -0.9,
         "chin": 0.6, "stretch": -0.1},
        {"inner_brow": 1.15, "outer_brow": -0.35, "brow_lower": 0.35, "upper_lid": -0.95, "lid_tight": 0.25,
         "corner": -1.0, "open": 0.15, "chin": 0.3, "stretch": 0.05},
    ),
    "surprise": (
        {"inner_brow": 1.1, "outer_brow": 1.2, "upper_lid": 0.85, "open": 1.05, "stretch": -0.5,
         "upper_teeth": 0.15},
        {"inner_brow": 1.0, "outer_brow": 1.1, "upper_lid": 0.75, "open": 0.7, "stretch": -0.75},
    ),
    "neutral": ({}, {"open": 0.12}),
}
# fmt: on

# Most frequent first, as in FER2013, where the classes have a ratio of about 16 to 1.
_BY_FREQUENCY: tuple[str, ...] = ("happy", "neutral", "sad", "fear", "angry", "surprise", "disgust")

# Ranges of what varies uniformly between people and photos: name -> (lowest, highest). Lengths are in face
# units (see
# `synthetic_drawing`) and greys are 0 to 255; a range of 0 to 1 is a random draw.
# fmt: off
_PERSON: dict[str, tuple[float, float]] = {
    # head and hair
    "width": (0.84, 0.97), "jaw": (0.04, 0.28), "length": (1.10, 1.20), "age": (0, 1), "beard": (0, 1),
    "hair_grey": (0, 1), "style_lot": (0, 1), "volume": (-0.03, 0.06), "hair_side": (-1, 1),
    "long_lot": (0, 1), "hair_length": (0.8, 1.6),
    # features
    "brow_thick": (0.75, 1.35), "brow_height": (-0.03, 0.03), "brow_arch": (-0.02, 0.04),
    "eye_size": (0.90, 1.12), "eye_gap": (-0.03, 0.03), "eye_tilt": (-0.03, 0.03), "iris": (25, 115),
    "gaze_x": (-0.05, 0.05), "gaze_y": (-0.02, 0.02), "lashes": (0.7, 1.5), "glasses": (0, 1),
    "rim": (25, 95), "nose_width": (0.85, 1.2), "nose_length": (-0.04, 0.05), "mouth_width": (0.88, 1.1),
    "mouth_y": (-0.03, 0.03),
    "lips": (0.75, 1.35), "lip_tone": (0.64, 0.88), "skin": (95, 200), "cloth": (20, 230),
    "stronger_side": (-1, 1),
    # camera
    "scale": (1.02, 1.18), "stretch_x": (0.95, 1.05), "dx": (-1.5, 1.5), "dy": (-2.2, 0.4),
    "light_x": (-0.85, 0.85), "light_y": (-0.8, 0.1), "diffuse": (0.35, 0.75), "relief": (0.75, 1.25),
    "back": (15, 225), "back_x": (-0.45, 0.45), "back_y": (-0.45, 0.45),
    "brightness": (-6, 30), "contrast": (0.82, 1.15), "blur": (-0.4, 0.6), "grain": (0, 1),
}
# fmt: on

# Haircuts: height of the hairline (line), its slant, where it falls towards the ears (power: low for a middle
# parting,
# high for a short cut), how far down it reaches there (side), and how thick and curly the hair is.
_HAIR: tuple[dict[str, float], ...] = (
    {"line": -0.88, "slant": 0.0, "power": 7.0, "side": -0.15, "thick": 0.06, "curls": 0.0},  # short
    {"line": -0.92, "slant": 0.16, "power": 5.0, "side": -0.10, "thick": 0.09, "curls": 0.0},  # side parting
    {"line": -0.66, "slant": 0.03, "power": 8.0, "side": 0.10, "thick": 0.10, "curls": 0.0},  # fringe
    {"line": -1.08, "slant": 0.0, "power": 2.2, "side": 0.45, "thick": 0.10, "curls": 0.0},  # middle parting
    {"line": -0.84, "slant": 0.0, "power": 6.0, "side": -0.02, "thick": 0.16, "curls": 1.0},  # curls
    {"line": -1.02, "slant": 0.0, "power": 4.0, "side": -0.20, "thick": 0.04, "curls": 0.0},  # combed back
    {"line": -1.25, "slant": 0.0, "power": 3.0, "side": -0.05, "thick": 0.02, "curls": 0.0},  # thin on top
    {"line": -0.80, "slant": 0.22, "power": 6.0, "side": 0.20, "thick": 0.11, "curls": 0.0},  # swept
)

_COLUMNS = (np.arange(SIZE, dtype=np.float32) + 0.5)[None, :]
_ROWS = _COLUMNS.T
_TO_FRACTION = np.float32(1 / 255)

_PERSON_LOW = np.array([low for low, _ in _PERSON.values()])
_PERSON_SPAN = np.array([high - low for low, high in _PERSON.values()])


def _as_vectors(ways: tuple[dict[str, float], ...]) -> np.ndarray:
    """Return (ways, actions) float64, with the actions in the order of `ACTIONS`."""
    return np.array([[way.get(action, 0.0) for action in ACTIONS] for way in ways])


_VECTORS = {name: _as_vectors(ways) for name, ways in EXPRESSIONS.items()}


def _person(rng: np.random.Generator) -> SimpleNamespace:
    """Draw a random person in front of a camera: everything but the expression."""
    values = _PERSON_LOW + _PERSON_SPAN * rng.random(len(_PERSON))
    who = SimpleNamespace(**dict(zip(_PERSON, values.tolist(), strict=True)))
    who.roll, who.yaw, who.pitch = (rng.standard_normal(3) * (0.07, 0.16, 0.03)).clip(-0.42, 0.42).tolist()
    # Light hair is rarer on dark skin, and hair as grey as the skin could not be seen.
    who.hair = 14.0 + 190.0 * who.hair_grey ** (2.6 + (200.0 - who.skin) / 30.0)
    if abs(who.hair - who.skin) < 35.0:
        who.hair = max(who.skin - 60.0, 15.0)
    who.style = _HAIR[int(who.style_lot * len(_HAIR))]
    who.long = who.long_lot < 0.35 and who.style["line"] > -1.2
    who.bearded = who.beard < 0.16 and not who.long
    who.beard_tone = 0.33 * who.skin + 0.4 * who.hair
    who.brow = min(0.55 * who.skin, 18.0 + 0.45 * who.hair)
    who.lash, who.sclera, who.lip = (
        min(0.32 * who.skin, 42.0),
        150.0 + 0.38 * who.skin,
        who.skin * who.lip_tone,
    )
    return who


def _actions(name: str, rng: np.random.Generator) -> SimpleNamespace:
    """Draw the muscle activations of one face with the expression `name` at a random strength."""
    ways = _VECTORS[name]
    # Most faces are clear and some are faint; without the faint ones the task would be too easy.
    strength = 0.35 + 0.8 * rng.random() ** 0.6
    values = strength * ways[rng.integers(len(ways))] + 0.09 * rng.standard_normal(len(ACTIONS))
    return SimpleNamespace(**dict(zip(ACTIONS, values.tolist(), strict=True)))


def _light(who: SimpleNamespace) -> np.ndarray:
    """Return the light reflected by an egg of the size of the head (Lambert's cosine law), (48, 48) float."""
    x, y = _COLUMNS - (SIZE / 2 + who.dx), _ROWS - (SIZE / 2 + who.dy)
    cos, sin = math.cos(who.roll), math.sin(who.roll)
    across = (cos * x + sin * y) / (drawing.UNIT * who.scale * 1.1)
    down = (cos * y - sin * x) / (drawing.UNIT * who.scale * 1.5)
    front = np.sqrt(np.maximum(0.06, 1.0 - across**2 - down**2))
    length = math.hypot(who.light_x, who.light_y, 0.8)
    facing = (who.light_x * across + who.light_y * down + 0.8 * front) / length
    return 1.0 - who.diffuse + who.diffuse * 1.25 * np.maximum(facing, 0.0)


def _face(name: str, seed: int, index: int) -> np.ndarray:
    """Draw face number `index` of `seed` with the expression `name`, (48, 48) uint8."""
    rng = np.random.default_rng([seed, index, 4])
    who = _person(rng)
    paint, covered, relief = drawing.draw(who, _actions(name, rng), rng)
    back = who.back * (1.0 + who.back_x * (_COLUMNS / SIZE - 0.5) + who.back_y * (_ROWS / SIZE - 0.5))
    image = paint * _light(who) * (1.0 + who.relief * relief) + (1.0 - covered * _TO_FRACTION) * back
    image = np.minimum(image, 95.0 + 0.5 * image)  # film compresses highlights
    image = (image - 118.0) * who.contrast + 118.0 + who.brightness
    if who.blur > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), who.blur)
    image += 6.0 * who.grain**2 * rng.standard_normal((SIZE, SIZE), np.float32)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def _labels(count: int, seed: int, imbalance: float) -> np.ndarray:
    """Return the class of each face in mixed order, (count,) int8."""
    codes = np.array([emotions.NAMES.index(name) for name in _BY_FREQUENCY], np.int8)
    if imbalance == 1.0:
        # Each block of seven contains every class once, so a shorter set is the beginning of a longer one.
        blocks = -(-count // len(codes))
        return (
            np.random.default_rng([seed, 0, 1]).permuted(np.tile(codes, (blocks, 1)), axis=1).ravel()[:count]
        )
    shares = imbalance ** -np.linspace(0.0, 1.0, len(codes))
    # Rounding the cumulative sums keeps their total.
    ends = np.round(np.cumsum(shares) / shares.sum() * count).astype(int)
    counts = np.diff(ends, prepend=0)
    while counts.min() == 0:
        counts[counts.argmax()] -= 1
        counts[counts.argmin()] += 1
    return np.random.default_rng([seed, 0, 2]).permutation(np.repeat(codes, counts))


def _with_noise(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Return `labels` with that fraction of them changed to another class, each equally likely."""
    rng = np.random.default_rng([seed, 0, 3])
    wrong = rng.permutation(len(labels))[: round(fraction * len(labels))]
    noisy = labels.copy()
    noisy[wrong] = (labels[wrong] + rng.integers(1, len(emotions.NAMES), len(wrong))) % len(emotions.NAMES)
    return noisy


def _check(count: int, seed: int, label_noise: float, imbalance: float) -> None:
    if count < len(emotions.NAMES):
        raise DataError(
            f"The drawn data set needs at least {len(emotions.NAMES)} faces, one per class; got {count}."
        )
    if seed < 0:
        raise DataError(f"The seed of the drawn data set must be 0 or more; got {seed}.")
    if not 0.0 <= label_noise < 1.0:
        raise DataError(
            f"The label noise of the drawn data set must be from 0 to below 1; got {label_noise}."
        )
    if not (math.isfinite(imbalance) and imbalance >= 1.0):
        raise DataError(
            f"The class imbalance of the drawn data set must be a number from 1 up; got {imbalance}."
        )


def draw_faces(
    count: int = DEFAULT_COUNT, seed: int = 0, *, label_noise: float = 0.0, imbalance: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` faces; the same arguments always return the same faces.

    Face i depends only on `seed`, i and its class: without imbalance, a shorter set is the beginning of a
    longer one.

    Args:
        count: Number of faces, at least 7.
        seed: 0 or more; another seed draws other people.
        label_noise: Fraction of the labels, in [0, 1), replaced by a random other class; the images stay the
            same.
        imbalance: Ratio of the most to the least frequent class, at least 1. The counts in between fall
            geometrically, and every class keeps at least one face.

    Returns:
        Images (count, 48, 48) uint8 and labels (count,) int8, which are positions in `emotions.NAMES`.

    Raises:
        DataError: An argument is out of its range.
    """
    _check(count, seed, label_noise, imbalance)
    labels = _labels(count, seed, imbalance)
    images = np.empty((count, SIZE, SIZE), np.uint8)
    for index, label in enumerate(labels):
        images[index] = _face(emotions.NAMES[label], seed, index)
    return images, _with_noise(labels, label_noise, seed)
