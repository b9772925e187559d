"""Drawing of synthetic faces: one grey 48x48 portrait from a person and the state of its facial muscles.

All lengths are in face units: the origin is the middle of the face, x points to the right and y down, and 1
unit is half the width of an average head (18 pixels). Flat shapes are filled at four times the size and
averaged down, which smooths their edges; light and soft shadows are multiplied in afterwards at 48x48, where
they cost little.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import cv2
import numpy as np

SIZE = 48
_SUPER = 4  # supersampling
UNIT = 18.0  # pixels of the final image in one face unit
_BITS = 4  # fractional bits of the coordinates that OpenCV fills polygons with

_EYE_X, _EYE_Y, _BROW_Y, _NOSE_Y, _MOUTH_Y = 0.42, -0.16, -0.45, 0.36, 0.72

_T = np.linspace(-1.0, 1.0, 15)  # along an eye or a lip, from left to right
_BELL = 1.0 - _T**2
_FULL_BELL = _BELL**0.75  # rounder at the top, steeper at the ends
_CUPID = 1.0 - 0.35 * np.exp(-((_T / 0.16) ** 2))  # the dip in the middle of the upper lip
_S = (_T + 1.0) / 2.0  # along a brow, from the nose out
_S_EASE = _S * _S * (3.0 - 2.0 * _S)
_ANGLE = np.linspace(0.0, 2.0 * math.pi, 20, endpoint=False)
_COS, _SIN = np.cos(_ANGLE), np.sin(_ANGLE)
_HEAD_ANGLE = np.linspace(0.0, 2.0 * math.pi, 48, endpoint=False)
_HEAD_X, _HEAD_Y = np.cos(_HEAD_ANGLE), np.sin(_HEAD_ANGLE)
_HEAD_FULL = np.sign(_HEAD_X) * np.abs(_HEAD_X) ** (1.0 - 0.38 * np.maximum(_HEAD_Y, 0.0))  # a square jaw
_HEAD_BELOW = np.maximum(_HEAD_Y, 0.0) ** 1.8
_ARCH_ANGLE = np.linspace(math.pi + 0.1, -0.1, 29)  # over the head from the left ear to the right one
_ARCH = np.stack([np.cos(_ARCH_ANGLE), -np.sin(_ARCH_ANGLE)], axis=1)
_ARCH_X = np.linspace(-1.0, 1.0, 29)
_STRANDS = 12
_ROOT = np.array([(-0.035, 0.0), (0.035, 0.0), (0.0, 0.0)])  # a strand is this wide at its root
_SHOULDERS = np.array([(-2.0, 2.0), (-2.0, 1.35), (-0.6, 1.08), (0.6, 1.08), (2.0, 1.35), (2.0, 2.0)])
_NECK = np.array([(-0.55, 0.6), (0.55, 0.6), (0.6, 1.25), (0.0, 1.5), (-0.6, 1.25)])
_PIXELS = np.arange(SIZE, dtype=np.float32)[:, None] + 0.5


class _Sheet:
    """Shapes and soft shadows of one face, collected in face units and then placed on the image."""

    def __init__(self) -> None:
        self._points: list[np.ndarray] = []
        self._tones: list[float] = []
        self._depths: list[float] = []
        self._spots: list[tuple[float, float, float, float, float]] = []

    def fill(self, points: np.ndarray, tone: float, depth: float = 1.0) -> None:
        """Add a flat shape (n, 2) of grey `tone` 1 to 255.

        Depth 0 stays in place when the head turns, 1 is on the face.
        """
        self._points.append(points)
        self._tones.append(min(max(tone, 1.0), 255.0))
        self._depths.append(depth)

    def soft(self, x: float, y: float, wide: float, high: float, amount: float) -> None:
        """Add a soft spot of those half sizes that brightens by `amount` (-0.3: to 70 percent)."""
        self._spots.append((x, y, wide, high, amount))

    def paint(self, who: SimpleNamespace) -> tuple[np.ndarray, np.ndarray]:
        """Return the shapes in the order they were added, and their coverage: two (48, 48) uint8."""
        sizes = [len(points) for points in self._points]
        placed = _place(np.concatenate(self._points), np.repeat(self._depths, sizes), who)
        fixed = np.round(placed * (_SUPER << _BITS) - (1 << (_BITS - 1))).astype(np.int32)
        canvas = np.zeros((SIZE * _SUPER, SIZE * _SUPER), np.uint8)
        start = 0
        for size, tone in zip(sizes, self._tones, strict=True):
            cv2.fillPoly(canvas, [fixed[start : start + size]], tone, cv2.LINE_8, _BITS)
            start += size
        covered = cv2.threshold(canvas, 0, 255, cv2.THRESH_BINARY)[1]
        return _shrink(canvas), _shrink(covered)

    def relief(self, who: SimpleNamespace) -> np.ndarray:
        """Return the sum of the soft spots, (48, 48) float, to be multiplied in as 1 + relief."""
        spots = np.array(self._spots, np.float32)
        at = _place(spots[:, :2], np.float32(1.0), who).astype(np.float32)
        wide, high, amount = spots[:, 2] * UNIT * who.scale, spots[:, 3] * UNIT * who.scale, spots[:, 4]
        # Each spot is a product of a column and a row, so that one matrix product of (48, spots) draws them
        # all.
        across = np.exp(-(((_PIXELS - at[:, 0]) / wide) ** 2))
        down = np.exp(-(((_PIXELS - at[:, 1]) / high) ** 2)) * amount
        return down @ across.T


def _shrink(canvas: np.ndarray) -> np.ndarray:
    return cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def _place(points: np.ndarray, depth: np.ndarray | np.float32, who: SimpleNamespace) -> np.ndarray:
    """Transform points (n, 2) to pixels: turn (as a cylinder), nod, tilt, scale and shift."""
    x, y = points[:, 0], points[:, 1]
    front = np.sqrt(np.maximum(0.08, 1.0 - np.square(x)))
    x = x + depth * (x * (math.cos(who.yaw) - 1.0) + front * math.sin(who.yaw))
    y = y + depth * who.pitch
    across, down = UNIT * who.scale * who.stretch_x, UNIT * who.scale
    cos, sin = math.cos(who.roll), math.sin(who.roll)
    return _points(
        SIZE / 2 + who.dx + across * (cos * x - sin * y), SIZE / 2 + who.dy + down * (sin * x + cos * y)
    )


def _points(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return (n, 2) from two (n,); np.stack is several times slower."""
    points = np.empty((len(x), 2))
    points[:, 0] = x
    points[:, 1] = y
    return points


def _band(x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Return the closed shape (2n, 2) between two curves over the same x."""
    return np.concatenate([_points(x, top), _points(x, bottom)[::-1]])


def _oval(x: float, y: float, wide: float, high: float) -> np.ndarray:
    return _points(_COS * wide + x, _SIN * high + y)


def _between(shape: np.ndarray, x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Return `shape`, cut off above one curve and below the other."""
    across, y = shape[:, 0], shape[:, 1]
    return _points(across, np.minimum(np.maximum(y, np.interp(across, x, top)), np.interp(across, x, bottom)))


def _head_outline(who: SimpleNamespace, act: SimpleNamespace) -> np.ndarray:
    """Return an egg with a narrow chin, (48, 2); a dropped jaw makes it longer."""
    return _points(
        who.width * _HEAD_FULL * (1.0 - who.jaw * _HEAD_BELOW),
        _HEAD_Y * np.where(_HEAD_Y > 0.0, _chin_y(who, act), 1.32),
    )


def _chin_y(who: SimpleNamespace, act: SimpleNamespace) -> float:
    return who.length + 0.13 * max(act.open, 0.0) - 0.03 * act.chin


def _draw_long_hair(sheet: _Sheet, who: SimpleNamespace, rng: np.random.Generator) -> None:
    """Draw hair behind the face, from a bob to below the frame."""
    y = np.linspace(-1.2, who.hair_length, 13)
    wave = 0.03 * np.sin(7.0 * y + 90.0 * who.volume) * (1.0 + who.style["curls"])
    x = (
        who.width
        + 0.12
        + who.volume
        + wave
        + 0.06 * np.sin(1.6 * (y + 0.3))
        - 0.6 * np.maximum(-0.65 - y, 0.0) ** 1.5
    )
    right = _points(x, y)
    sheet.fill(np.concatenate([right, (right * (-1.0, 1.0))[::-1]]), who.hair * 0.82, 0.3)
    for number, tone in enumerate((who.hair * rng.uniform(0.7, 1.15, 6)).tolist()):
        near = 0.97 - 0.05 * number
        sheet.fill(
            _band(y, x * near, x * (near - 0.03))[:, ::-1] * (-1.0 if number % 2 else 1.0, 1.0), tone, 0.3
        )


def _draw_body(sheet: _Sheet, who: SimpleNamespace, rng: np.random.Generator) -> None:
    """Draw what is behind the face: long hair, shoulders, neck, ears."""
    if who.long:
        _draw_long_hair(sheet, who, rng)
    sheet.fill(_SHOULDERS, who.cloth, 0.0)
    sheet.fill(_NECK, who.skin * 0.62, 0.1)
    if not who.long:
        for side in (-1.0, 1.0):
            sheet.fill(_oval(side * (who.width + 0.01), 0.0, 0.09, 0.22), who.skin * 0.84)


def _draw_hair(sheet: _Sheet, who: SimpleNamespace, rng: np.random.Generator) -> None:
    """Draw the hair between its outline and the hairline, with some lighter and darker strands."""
    style = who.style
    thick = style["thick"] + who.volume
    puff = 1.0 + style["curls"] * 0.05 * np.sin(13.0 * _ARCH_ANGLE + 100.0 * who.volume)
    ends = 0.0 if style["side"] > 0.3 else thick  # short hair thins out above the ears
    outer = _ARCH * (who.width + thick, 1.34 + thick) * puff[:, None]
    outer[:, 0] -= ends * np.abs(_ARCH_X) ** 7 * np.sign(_ARCH_X)
    outer[[0, -1], 1] = style["side"] + 0.04
    # A parting off the middle leaves one side of the forehead bare.
    parting = 0.35 * math.copysign(1.0, who.hair_side) if style["slant"] > 0.1 else 0.0
    fall = np.abs(_ARCH_X - parting * (1.0 - _ARCH_X**2)) ** style["power"]
    line = style["line"] + who.hair_side * style["slant"] * _ARCH_X
    ragged = 0.022 * rng.standard_normal(len(_ARCH_X))
    inner = _points(_ARCH_X * (who.width - 0.03), line + (style["side"] - line) * fall + ragged)
    sheet.fill(np.concatenate([outer, inner[::-1]]), who.hair, 0.6)
    # Strands, each a thin wedge from the outline towards the hairline.
    roots = rng.integers(2, len(outer) - 2, _STRANDS)
    reach = rng.uniform(0.4, 1.0, (_STRANDS, 1))
    wedges = np.repeat(outer[roots][:, None] * 0.99, 3, axis=1) + _ROOT
    wedges[:, 2] += reach * (inner[roots] - outer[roots])
    for wedge, tone in zip(wedges, (who.hair * rng.uniform(0.8, 1.25, _STRANDS)).tolist(), strict=True):
        sheet.fill(wedge, tone, 0.6)


def _draw_beard(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace) -> None:
    """Draw a full beard: the head below a line from ear to ear that rises to a moustache.

    The mouth is drawn on top.
    """
    head = _head_outline(who, act)
    x, y = head[head[:, 1] > -0.1].T  # from the right ear around the chin to the left one
    top = 0.56 - 0.66 * _T**6 - 0.05 * np.cos(5.0 * _T)
    sheet.fill(np.concatenate([_points(x, y), _points(_T * x.max(), top)]), who.beard_tone)


def _draw_eye(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, side: float) -> None:
    """Draw one eye (side -1 or 1): ball, iris, pupil, glint, lashes, lids.

    Along `t` the nose is at -1, the temple at 1.
    """
    size, middle = who.eye_size, side * (_EYE_X + who.eye_gap)
    t = _T * side  # the curves run from left to right in both eyes
    x = middle + 0.255 * size * _T
    angry, sad = max(act.brow_lower - 0.5 * act.inner_brow, 0.0), max(-act.upper_lid, 0.0)
    up = 0.135 * size * max(1.0 + 0.6 * act.upper_lid - 0.22 * act.lid_tight - 0.1 * act.cheek, 0.16)
    down = 0.085 * size * (1.0 + 0.3 * act.upper_lid - 0.75 * act.lid_tight - 0.95 * act.cheek)
    # A lowered brow lies on the inner half of the lid; a drooping lid hangs lowest at the temple.
    corners = _EYE_Y + (0.03 * sad - who.eye_tilt) * t
    upper = corners - up * _FULL_BELL * (1.0 + (0.45 * angry - 0.35 * sad) * t)
    lower = np.maximum(corners + max(down, 0.035 - up) * _BELL, upper)
    sheet.fill(_band(x, upper, lower), who.sclera)
    iris_x, iris_y, radius = middle + who.gaze_x, _EYE_Y - 0.025 + who.gaze_y, 0.112 * size
    sheet.fill(_between(_oval(iris_x, iris_y, radius, radius), x, upper, lower), who.iris)
    sheet.fill(_between(_oval(iris_x, iris_y, 0.5 * radius, 0.5 * radius), x, upper, lower), 8.0)
    if up + down > 0.12:
        sheet.fill(_oval(iris_x + 0.035, max(iris_y - 0.05, _EYE_Y - 0.7 * up), 0.032, 0.032), 245.0)
    thick = 0.035 * who.lashes
    sheet.fill(_band(x, upper - thick * (0.6 + 0.4 * t), upper + 0.4 * thick), who.lash)
    sheet.fill(_band(x, lower, lower + 0.018), who.skin * 0.6)
    crease = upper - 0.075 - 0.02 * act.upper_lid
    sheet.fill(_band(x, crease, crease + 0.022), who.skin * 0.72)


def _draw_brow(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, side: float) -> None:
    """Draw one brow, a bow that thins towards the temple."""
    lowered = max(act.brow_lower, 0.0)
    inner = -0.17 * act.inner_brow + 0.15 * act.brow_lower
    outer = 0.05 - 0.17 * act.outer_brow + 0.02 * act.brow_lower + 0.03 * act.cheek
    arch = 0.055 + who.brow_arch + 0.07 * max(act.outer_brow, 0.0) * max(act.inner_brow, 0.0)
    x = 0.19 - 0.075 * lowered + (0.56 + 0.05 * lowered) * _S
    y = _BROW_Y + who.brow_height + inner + (outer - inner) * _S_EASE - arch * np.sin(math.pi * _S**1.3)
    thick = 0.052 * who.brow_thick * (1.0 - 0.65 * _S**2)
    sheet.fill(_band(side * x, y - thick, y + thick), who.brow)


def _draw_nose(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace) -> None:
    """Draw nostrils, wings and the shadow under the tip; the light draws the bridge."""
    wrinkle = max(act.nose_wrinkle, 0.0)
    y = _NOSE_Y + who.nose_length - 0.06 * wrinkle
    wide = 0.2 * who.nose_width * (1.0 + 0.14 * wrinkle)
    for side in (-1.0, 1.0):
        sheet.fill(_oval(side * wide, y - 0.02, 0.045, 0.08), who.skin * 0.74, 1.15)
        sheet.fill(_oval(side * (wide - 0.035), y - 0.03, 0.055, 0.075), who.skin * 0.99, 1.15)
        sheet.fill(_oval(side * wide * 0.52, y + 0.035, 0.06, 0.028), who.skin * 0.33, 1.15)
    sheet.fill(
        _band(_T * wide * 0.9, y + 0.045 + 0.03 * _BELL, y + 0.06 + 0.045 * _BELL), who.skin * 0.66, 1.15
    )
    if wrinkle > 0.25:
        for row in range(3):
            bow = _EYE_Y + 0.02 + 0.085 * row - 0.05 * _BELL
            sheet.fill(
                _band(_T * (0.16 + 0.02 * row), bow, bow + 0.035), who.skin * (1 - 0.42 * min(wrinkle, 1.0))
            )


def _draw_mouth(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace) -> None:
    """Draw the lips and the gap between them; `upper` and `lower` are the inner edges of the lips."""
    opened, smile, pressed = max(act.open - 0.05, 0.0), max(act.corner, 0.0), max(act.press, 0.0)
    half = 0.36 * who.mouth_width * max(1.0 + 0.3 * act.stretch + 0.08 * smile, 0.45) * (1.0 - 0.08 * pressed)
    x = _T * half
    # A smile and a frown bend the mouth; the middle moves a little against the corners.
    bend = (0.17 if act.corner > 0.0 else 0.15) * act.corner
    middle = _MOUTH_Y + who.mouth_y + 0.03 * (opened - max(act.chin, 0.0)) + bend * (0.45 - np.abs(_T) ** 1.8)
    peak = math.copysign(0.45 * max(act.one_sided, 0.0), who.stronger_side)
    lift = 0.13 * max(act.lip_raise, 0.0) * np.exp(-(((_T - peak) / 0.5) ** 2))
    # Round when the jaw drops, a pointed crescent in a smile, a box with the lower teeth bared.
    shape = 0.42 * opened * _BELL ** max(0.5 + 0.25 * smile - 0.25 * max(act.lower_teeth, 0.0), 0.2)
    upper = middle - lift - (0.3 - 0.1 * smile) * shape
    lower = middle - 0.35 * lift + (0.7 + 0.1 * smile) * shape
    full = who.lips * max(1.0 - 0.6 * pressed - 0.25 * smile, 0.25) * _FULL_BELL
    sheet.fill(_band(x * 1.06, upper - 0.085 * full * _CUPID, upper), who.lip * 0.9)
    sheet.fill(_band(x, lower, lower + 0.11 * full), who.lip)
    line = 0.012 + 0.014 * pressed
    sheet.fill(_band(x * 1.06, upper - line, np.maximum(lower, upper) + line), 22.0)
    if act.tongue > 0.3:
        _draw_tongue(sheet, who, act, x, 0.5 * (upper + lower))
    if opened > 0.08 or act.lip_raise > 0.6:
        _draw_teeth(sheet, act, x, upper, lower)


def _draw_tongue(
    sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, x: np.ndarray, top: np.ndarray
) -> None:
    """Draw a tongue hanging over the lower lip."""
    reach = 0.34 * act.tongue * np.sqrt(1.0 - _T**4)
    sheet.fill(_band(x * 0.72, top, top + reach + 0.02), who.skin * 0.5)
    sheet.fill(_band(x * 0.62, top, top + reach), who.skin * 0.86)
    sheet.fill(_band(x * 0.05, top + 0.04, top + 0.2 * act.tongue), who.skin * 0.6)


def _draw_teeth(
    sheet: _Sheet, act: SimpleNamespace, x: np.ndarray, upper: np.ndarray, lower: np.ndarray
) -> None:
    """Draw rows of teeth along the lips, never longer than the gap, or else the floor of an open mouth."""
    space = lower - upper
    if act.upper_teeth > 0.15:
        edge = upper + np.minimum(0.13 * min(act.upper_teeth, 1.15), 0.9 * space)
        sheet.fill(_band(x * 0.93, upper, edge), 238.0)
    if act.lower_teeth > 0.25:
        edge = lower - np.minimum(0.09 * min(act.lower_teeth, 1.1), 0.38 * space)
        sheet.fill(_band(x * 0.86, edge, lower), 214.0)
    elif act.open > 0.45:
        sheet.fill(_band(x * 0.6, lower - 0.22 * space, lower - 0.01), 85.0)


def _draw_glasses(sheet: _Sheet, who: SimpleNamespace) -> None:
    """Draw two rims, each a ring cut open at one point, with bridge and temples."""
    for side in (-1.0, 1.0):
        rim = _oval(side * _EYE_X, _EYE_Y + 0.03, 0.35, 0.28)
        inside = _oval(side * _EYE_X, _EYE_Y + 0.03, 0.315, 0.245)
        ring = np.concatenate([rim, rim[:1], inside[:1], inside[:0:-1]])
        sheet.fill(ring, who.rim)
        bar = np.array([(0.74, -0.2), (who.width, -0.22), (who.width, -0.17), (0.74, -0.14)])
        sheet.fill(bar * (side, 1.0), who.rim)
    sheet.fill(_band(_T * 0.09, _EYE_Y - 0.03 - 0.03 * _BELL, _EYE_Y + 0.01 - 0.03 * _BELL), who.rim)


def _shade_head(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace) -> None:
    """Add the soft bulges and hollows that every head has."""
    spot = sheet.soft
    mouth = _MOUTH_Y + who.mouth_y + 0.35 * max(act.open, 0.0)
    spot(0.3 * who.light_x, -1.12, 0.55, 0.09, 0.35)  # gloss on the hair
    spot(0.0, -0.78, 0.5, 0.22, 0.10)  # forehead
    spot(0.0, 0.22, 0.09, 0.14, 0.20)  # tip of the nose
    spot(0.0, -0.05, 0.07, 0.25, 0.10)  # its bridge
    spot(math.copysign(0.15, -who.light_x), 0.02, 0.09, 0.32, -0.16)  # its side away from the light
    spot(0.0, 0.50, 0.14, 0.07, -0.10)  # below the nose
    spot(0.0, mouth + 0.17, 0.22, 0.05, -0.18)  # below the lower lip
    spot(0.0, _chin_y(who, act) - 0.17, 0.2, 0.11, 0.13 + 0.08 * act.chin)  # chin
    for side in (-1.0, 1.0):
        spot(side * 0.40, _EYE_Y - 0.09, 0.27, 0.12, -0.14)  # socket of the eye
        spot(side * 0.40, _EYE_Y + 0.2, 0.22, 0.05, -0.08 - 0.08 * who.age)  # bag under the eye
        spot(side * 0.17, _EYE_Y - 0.04, 0.08, 0.13, -0.16)  # between eye and nose
        spot(side * 0.52, 0.2 - 0.05 * act.cheek, 0.22, 0.15, 0.12 + 0.14 * max(act.cheek, 0.0))  # cheek
        spot(side * 0.66, 0.62, 0.17, 0.28, -0.10)  # hollow of the cheek


def _shade_creases(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace) -> None:
    """Add the creases that muscles cause: from nose to mouth, between the brows, across the forehead."""
    spot = sheet.soft
    wrinkle, smile = max(act.nose_wrinkle, 0.0), max(act.corner, 0.0)
    depth = -(0.05 + 0.08 * who.age + 0.17 * smile + 0.22 * wrinkle + 0.06 * max(act.lip_raise, 0.0))
    reach = 0.40 + 0.12 * smile + 0.05 * act.stretch
    for side in (-1.0, 1.0):
        for part in (0.0, 0.25, 0.5, 0.75, 1.0):  # a chain of small spots makes a bent line
            x = 0.22 + (reach - 0.18) * part**0.8
            spot(side * x, 0.28 - 0.04 * wrinkle + (0.40 - 0.10 * smile) * part, 0.045, 0.07, depth)
        spot(side * reach, 0.73 - 0.12 * act.corner, 0.07, 0.07, -0.12 - 0.08 * abs(act.corner))
        if act.brow_lower > 0.3:
            spot(side * 0.06, -0.47, 0.03, 0.13, -0.3 * act.brow_lower)
    raised = max(act.outer_brow, 0.0) + 0.6 * max(act.inner_brow, 0.0)
    if raised > 0.5:
        for row in range(3):
            spot(0.0, -0.86 + 0.09 * row, 0.42, 0.02, -0.09 * raised)


def draw(
    who: SimpleNamespace, act: SimpleNamespace, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the head and shoulders of `who` with the muscles at `act`; `rng` places the strands of the hair.

    Returns:
        Three (48, 48) arrays: the paint, uint8, in even light and on black; how much of each pixel it covers,
        uint8; and the effect of hollows and bulges on the light, float, as a fraction of it (-0.2 is a fifth
        darker).
    """
    sheet = _Sheet()
    _draw_body(sheet, who, rng)
    sheet.fill(_head_outline(who, act), who.skin)
    if who.bearded:
        _draw_beard(sheet, who, act)
    _draw_nose(sheet, who, act)
    _draw_mouth(sheet, who, act)
    for side in (-1.0, 1.0):
        _draw_eye(sheet, who, act, side)
        _draw_brow(sheet, who, act, side)
    _draw_hair(sheet, who, rng)
    if who.glasses < 0.12:
        _draw_glasses(sheet, who)
    _shade_head(sheet, who, act)
    _shade_creases(sheet, who, act)
    return *sheet.paint(who), sheet.relief(who)
