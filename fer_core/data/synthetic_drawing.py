"""The pencil of `synthetic`: one grey 48x48 portrait from a person and the state of that person's face muscles.

Everything is laid out in face units: the origin lies in the middle of the face, x to the right and y down, 1 unit is
half the width of an average head (18 pixels). Flat shapes are filled at four times the size and averaged down, which
smooths their edges; light and soft shadows are multiplied in afterwards at 48x48, where they cost little.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import cv2
import numpy as np

SIZE = 48
_SUPER = 4  # supersampling
_UNIT = 18.0  # pixels of the final image in one face unit
_BITS = 4  # fractional bits of the coordinates that OpenCV fills polygons with

_T = np.linspace(-1.0, 1.0, 15)  # along an eye, a lip, a hairline: from left to right
_BELL = 1.0 - _T**2
_ANGLE = np.linspace(0.0, 2.0 * math.pi, 20, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], axis=1)
_HEAD_ANGLE = np.linspace(0.0, 2.0 * math.pi, 48, endpoint=False)
_ARCH_ANGLE = np.linspace(math.pi + 0.1, -0.1, 29)  # over the head from the left ear to the right one
_ARCH = np.stack([np.cos(_ARCH_ANGLE), -np.sin(_ARCH_ANGLE)], axis=1)
_ARCH_X = np.linspace(-1.0, 1.0, 29)
_STRANDS = 14
_COLUMNS = (np.arange(SIZE, dtype=np.float32) + 0.5)[None, :]
_ROWS = (np.arange(SIZE, dtype=np.float32) + 0.5)[:, None]

_EYE_X, _EYE_Y, _BROW_Y, _NOSE_Y, _MOUTH_Y = 0.42, -0.16, -0.45, 0.36, 0.72

# name -> where the hairline lies at the parting (line), how far it slants, from where it falls to the ears (power: low
# for a middle parting, high for a short cut), how low the sides reach, how thick the hair is, how curly its outline is.
_HAIR = (
    {"line": -0.88, "slant": 0.0, "power": 7.0, "side": -0.15, "thick": 0.06, "curls": 0.0},  # short
    {"line": -0.92, "slant": 0.16, "power": 5.0, "side": -0.10, "thick": 0.09, "curls": 0.0},  # side parting
    {"line": -0.66, "slant": 0.03, "power": 8.0, "side": 0.10, "thick": 0.10, "curls": 0.0},  # fringe
    {"line": -1.08, "slant": 0.0, "power": 2.2, "side": 0.45, "thick": 0.10, "curls": 0.0},  # middle parting
    {"line": -0.84, "slant": 0.0, "power": 6.0, "side": -0.02, "thick": 0.16, "curls": 1.0},  # curls
    {"line": -1.02, "slant": 0.0, "power": 4.0, "side": -0.20, "thick": 0.04, "curls": 0.0},  # combed back
    {"line": -1.25, "slant": 0.0, "power": 3.0, "side": -0.05, "thick": 0.02, "curls": 0.0},  # thin on top
    {"line": -0.80, "slant": 0.22, "power": 6.0, "side": 0.20, "thick": 0.11, "curls": 0.0},  # swept
)


class _Sheet:
    """Shapes and soft shadows of one face, gathered in face units and then placed on the image all at once."""

    def __init__(self) -> None:
        self._points: list[np.ndarray] = []
        self._tones: list[float] = []
        self._depths: list[float] = []
        self._blobs: list[tuple[float, float, float, float, float]] = []

    def fill(self, points: np.ndarray, tone: float, depth: float = 1.0) -> None:
        """A flat shape (n, 2) of grey `tone` 1 to 255; depth 0 stays in place when the head turns, 1 is on the face."""
        self._points.append(points)
        self._tones.append(min(max(tone, 1.0), 255.0))
        self._depths.append(depth)

    def soft(self, x: float, y: float, wide: float, high: float, amount: float) -> None:
        """A soft spot of those half sizes that brightens by `amount` (-0.3: to 70 percent)."""
        self._blobs.append((x, y, wide, high, amount))

    def shapes(self, who: SimpleNamespace) -> np.ndarray:
        """(192, 192) uint8: the shapes in the order they came; 0 where there is none."""
        sizes = [len(points) for points in self._points]
        placed = _place(np.concatenate(self._points), np.repeat(self._depths, sizes), who)
        fixed = np.round(placed * (_SUPER << _BITS) - (1 << (_BITS - 1))).astype(np.int32)
        canvas = np.zeros((SIZE * _SUPER, SIZE * _SUPER), np.uint8)
        start = 0
        for size, tone in zip(sizes, self._tones, strict=True):
            cv2.fillPoly(canvas, [fixed[start : start + size]], tone, cv2.LINE_8, _BITS)
            start += size
        return canvas

    def relief(self, who: SimpleNamespace) -> np.ndarray:
        """(48, 48) float: the sum of the soft spots, to be multiplied in as 1 + relief."""
        x, y, wide, high, amount = np.array(self._blobs).T
        at = _place(np.stack([x, y], axis=1), np.ones(len(x)), who).astype(np.float32)
        pixels = _UNIT * who.scale
        across = np.exp(-(((_COLUMNS.T - at[:, 0]) / (wide * pixels)) ** 2))  # (48, spots): each spot is separable,
        down = np.exp(-(((_ROWS - at[:, 1]) / (high * pixels)) ** 2)) * amount  # so one product draws them all
        return down @ across.T


def _place(points: np.ndarray, depth: np.ndarray, who: SimpleNamespace) -> np.ndarray:
    """Points (n, 2) in face units to pixels of the final image: turn (as a cylinder), nod, tilt, scale and shift."""
    x, y = points[:, 0], points[:, 1]
    front = np.sqrt(np.maximum(0.08, 1.0 - np.square(x)))
    x = x + depth * (x * (math.cos(who.yaw) - 1.0) + front * math.sin(who.yaw))
    y = y + depth * who.pitch
    across, down = _UNIT * who.scale * who.stretch_x, _UNIT * who.scale
    cos, sin = math.cos(who.roll), math.sin(who.roll)
    return np.stack(
        [SIZE / 2 + who.dx + across * (cos * x - sin * y), SIZE / 2 + who.dy + down * (sin * x + cos * y)], axis=1
    )


def _points(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n, 2) from two (n,): np.stack does the same several times slower."""
    points = np.empty((len(x), 2))
    points[:, 0] = x
    points[:, 1] = y
    return points


def _band(x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """The closed shape (2n, 2) between two curves over the same x."""
    return np.concatenate([_points(x, top), _points(x, bottom)[::-1]])


def _oval(x: float, y: float, wide: float, high: float) -> np.ndarray:
    return _CIRCLE * (wide, high) + (x, y)


def _head_outline(who: SimpleNamespace, act: SimpleNamespace) -> np.ndarray:
    """(48, 2): an egg whose narrow end is the chin; a dropped jaw makes it longer."""
    x, y = np.cos(_HEAD_ANGLE), np.sin(_HEAD_ANGLE)
    below = np.maximum(y, 0.0)
    x = who.width * np.sign(x) * np.abs(x) ** (1.0 - 0.3 * below) * (1.0 - who.jaw * below**2.2)
    return _points(x, y * np.where(y > 0, _chin_y(who, act), 1.32))


def _chin_y(who: SimpleNamespace, act: SimpleNamespace) -> float:
    return who.length + 0.13 * max(act.open, 0.0) - 0.03 * act.chin


def _draw_long_hair(sheet: _Sheet, who: SimpleNamespace, tones: SimpleNamespace, rng: np.random.Generator) -> None:
    """Hair behind the face, from a bob to below the frame."""
    y = np.linspace(-1.2, 0.8 + 0.8 * who.hair_side**2, 13)
    wave = 0.03 * np.sin(7.0 * y + 90.0 * who.volume) * (1.0 + tones.style["curls"])
    x = who.width + 0.12 + who.volume + wave + 0.06 * np.sin(1.6 * (y + 0.3)) - 0.6 * np.maximum(-0.65 - y, 0.0) ** 1.5
    right = _points(x, y)
    sheet.fill(np.concatenate([right, (right * (-1.0, 1.0))[::-1]]), tones.hair * 0.82, 0.3)
    for number, tone in enumerate((tones.hair * rng.uniform(0.7, 1.15, 6)).tolist()):
        near = 0.97 - 0.05 * number
        sheet.fill(_band(y, x * near, x * (near - 0.03))[:, ::-1] * (-1.0 if number % 2 else 1.0, 1.0), tone, 0.3)


def _draw_body(
    sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, tones: SimpleNamespace, rng: np.random.Generator
) -> None:
    """What is behind the face: shoulders, long hair, neck, ears."""
    if tones.long:
        _draw_long_hair(sheet, who, tones, rng)
    sheet.fill(np.array([(-2, 2), (-2, 1.35), (-0.6, 1.08), (0.6, 1.08), (2, 1.35), (2, 2)], float), tones.cloth, 0.0)
    sheet.fill(np.array([(-0.55, 0.6), (0.55, 0.6), (0.6, 1.25), (0.0, 1.5), (-0.6, 1.25)]), tones.skin * 0.62, 0.1)
    if not tones.long:
        for side in (-1.0, 1.0):
            sheet.fill(_oval(side * (who.width + 0.01), 0.0, 0.09, 0.22), tones.skin * 0.84)


def _draw_hair(sheet: _Sheet, who: SimpleNamespace, tones: SimpleNamespace, rng: np.random.Generator) -> None:
    """The hair between its outline and the hairline, with some strands lighter and darker."""
    style = tones.style
    thick = style["thick"] + who.volume
    puff = 1.0 + style["curls"] * 0.05 * np.sin(13.0 * _ARCH_ANGLE + 100.0 * who.volume)
    outer = _ARCH * (who.width + thick, 1.34 + thick) * puff[:, None]
    outer[[0, -1], 1] = style["side"] + 0.04
    # A parting off the middle leaves one side of the forehead bare.
    parting = 0.35 * math.copysign(1.0, who.hair_side) if style["slant"] > 0.1 else 0.0
    fall = np.abs(_ARCH_X - parting * (1.0 - _ARCH_X**2)) ** style["power"]
    line = style["line"] + who.hair_side * style["slant"] * _ARCH_X
    ragged = 0.022 * rng.standard_normal(len(_ARCH_X))
    inner = _points(_ARCH_X * (who.width - 0.03), line + (style["side"] - line) * fall + ragged)
    sheet.fill(np.concatenate([outer, inner[::-1]]), tones.hair, 0.6)
    # Strands, each a thin wedge from the outline towards the hairline.
    roots = rng.integers(2, len(outer) - 2, _STRANDS)
    reach = rng.uniform(0.4, 1.0, (_STRANDS, 1))
    wedges = np.repeat(outer[roots][:, None] * 0.99, 3, axis=1) + ((-0.035, 0.0), (0.035, 0.0), (0.0, 0.0))
    wedges[:, 2] += reach * (inner[roots] - outer[roots])
    for wedge, tone in zip(wedges, (tones.hair * rng.uniform(0.8, 1.25, _STRANDS)).tolist(), strict=True):
        sheet.fill(wedge, tone, 0.6)


def _draw_beard(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, tones: SimpleNamespace) -> None:
    """A full beard along the jaw, under the mouth that is drawn later."""
    chin = _chin_y(who, act)
    x = _T * (who.width * 0.97)
    top = 0.12 + 0.42 * (1 - _T**4) - 0.06 * np.cos(3.0 * _T)
    bottom = np.sqrt(np.maximum(0.0, 1.0 - np.abs(_T) ** 2.4)) * (chin - 0.1) + 0.12
    sheet.fill(_band(x * (1 - who.jaw * 0.75 * np.maximum(bottom, 0) ** 2 * (np.abs(_T) < 0.98)), top, bottom), tones.beard)


def _draw_eye(
    sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, tones: SimpleNamespace, side: float
) -> None:
    """One eye (side -1 or 1): eyeball, iris, pupil, lids, lashes. Along `t` the nose is at -1 and the temple at 1."""
    half = 0.255 * who.eye_size
    middle = _EYE_X + who.eye_gap
    t = _T * side  # the curves run from left to right in both eyes
    x = side * middle + _T * half
    angry, sad = max(act.brow_lower - 0.5 * act.inner_brow, 0.0), max(-act.upper_lid, 0.0)
    up = 0.135 * who.eye_size * max(1.0 + 0.6 * act.upper_lid - 0.22 * act.lid_tight - 0.1 * act.cheek, 0.16)
    down = 0.085 * who.eye_size * (1.0 + 0.3 * act.upper_lid - 0.75 * act.lid_tight - 0.95 * act.cheek)
    down = max(down, 0.035 - up)
    tilt = -who.eye_tilt * t + 0.03 * sad * t
    upper = _EYE_Y + tilt - up * _BELL**0.8 * (1.0 + (0.45 * angry - 0.35 * sad) * t)
    lower = np.maximum(_EYE_Y + tilt + down * _BELL, upper)
    sheet.fill(_band(x, upper, lower), tones.eye)
    radius = 0.112 * who.eye_size
    iris_x, iris_y = side * middle + who.gaze_x, _EYE_Y - 0.025 + who.gaze_y
    for size, tone in ((1.0, tones.iris), (0.5, 8.0)):
        disc = _oval(iris_x, iris_y, radius * size, radius * size)
        disc[:, 1] = np.clip(disc[:, 1], np.interp(disc[:, 0], x, upper), np.interp(disc[:, 0], x, lower))
        sheet.fill(disc, tone)
    if up + down > 0.12:
        sheet.fill(_oval(iris_x + 0.035, max(iris_y - 0.05, _EYE_Y - 0.7 * up), 0.032, 0.032), 245.0)
    thick = 0.035 * who.lashes
    sheet.fill(_band(x * 1.0, upper - thick * (0.6 + 0.4 * t), upper + 0.4 * thick), tones.line)
    sheet.fill(_band(x, lower, lower + 0.018), tones.skin * 0.6)
    crease = upper - 0.075 - 0.02 * act.upper_lid
    sheet.fill(_band(x, crease, crease + 0.022), tones.skin * 0.72)


def _draw_brow(
    sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, tones: SimpleNamespace, side: float
) -> None:
    """One brow, a bow that thins towards the temple; `s` runs from 0 at the nose to 1."""
    s = (_T + 1.0) / 2.0
    inner_y = -0.17 * act.inner_brow + 0.15 * act.brow_lower
    outer_y = -0.17 * act.outer_brow + 0.02 * act.brow_lower + 0.03 * act.cheek
    arch = 0.055 + who.brow_arch + 0.07 * max(act.outer_brow, 0.0) * max(act.inner_brow, 0.0)
    x = 0.19 - 0.075 * max(act.brow_lower, 0.0) + s * (0.56 + 0.05 * max(act.brow_lower, 0.0))
    ease = s * s * (3.0 - 2.0 * s)
    y = _BROW_Y + who.brow_height + inner_y * (1 - ease) + outer_y * ease + 0.05 * ease - arch * np.sin(math.pi * s**1.3)
    thick = 0.052 * who.brow_thick * (1.0 - 0.65 * s**2)
    sheet.fill(_band(side * x, y - thick, y + thick), tones.brow)


def _draw_nose(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, tones: SimpleNamespace) -> None:
    """Nostrils, wings and the shadow under the tip; the bridge is left to the light."""
    wrinkle = max(act.nose_wrinkle, 0.0)
    y = _NOSE_Y + who.nose_length - 0.06 * wrinkle
    wide = 0.2 * who.nose_width * (1.0 + 0.14 * wrinkle)
    for side in (-1.0, 1.0):
        sheet.fill(_oval(side * wide, y - 0.02, 0.045, 0.08), tones.skin * 0.74, 1.15)
        sheet.fill(_oval(side * (wide - 0.035), y - 0.03, 0.055, 0.075), tones.skin * 0.99, 1.15)
        sheet.fill(_oval(side * wide * 0.52, y + 0.035, 0.06, 0.028), tones.skin * 0.33, 1.15)
    sheet.fill(_band(_T * wide * 0.9, y + 0.045 + 0.03 * _BELL, y + 0.06 + 0.045 * _BELL), tones.skin * 0.66, 1.15)
    if wrinkle > 0.25:
        for row in range(3):
            bow = _EYE_Y + 0.02 + 0.085 * row - 0.05 * _BELL
            sheet.fill(_band(_T * (0.16 + 0.02 * row), bow, bow + 0.035), tones.skin * (1 - 0.42 * min(wrinkle, 1.0)))


def _draw_mouth(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace, tones: SimpleNamespace) -> None:
    """Lips around the cavity with teeth: four curves over the same x (outer and inner, upper and lower)."""
    opened = max(act.open, 0.0)
    half = 0.36 * who.mouth_width * max(1.0 + 0.3 * act.stretch + 0.08 * max(act.corner, 0.0), 0.45)
    half *= 1.0 - 0.08 * max(act.press, 0.0)
    x = _T * half
    # A smile and a frown bend the mouth; the middle moves a little against the corners.
    bend = (0.17 if act.corner > 0 else 0.15) * act.corner
    middle = _MOUTH_Y + who.mouth_y + 0.03 * opened + bend * (0.45 - np.abs(_T) ** 1.8) - 0.03 * max(act.chin, 0.0)
    # An upper lip pulled up by the nose, more on one side.
    lift = 0.11 * max(act.lip_raise, 0.0) * np.exp(-(((_T - 0.45 * math.copysign(act.one_sided, who.hair_side)) / 0.5) ** 2))
    gap = 0.42 * opened
    square = max(act.lower_teeth, 0.0) * 0.25
    shape = _BELL ** max(0.5 - square + 0.25 * max(act.corner, 0.0), 0.2)
    upper = middle - lift - gap * (0.3 - 0.1 * max(act.corner, 0.0)) * shape
    lower = middle - 0.35 * lift + gap * (0.7 + 0.1 * max(act.corner, 0.0)) * shape
    thin = who.lips * max(1.0 - 0.6 * max(act.press, 0.0) - 0.25 * max(act.corner, 0.0), 0.25)
    bow = 1.0 - 0.35 * np.exp(-((_T / 0.16) ** 2))
    sheet.fill(_band(x * 1.06, upper - 0.085 * thin * _BELL**0.7 * bow, upper), tones.lip * 0.9)
    sheet.fill(_band(x, lower, lower + 0.11 * thin * _BELL**0.7), tones.lip)
    line = 0.012 + 0.014 * max(act.press, 0.0)
    sheet.fill(_band(x * 1.06, upper - line, np.maximum(lower, upper) + line), tones.cavity)
    space = lower - upper
    if act.tongue > 0.3:
        reach = 0.34 * act.tongue * np.maximum(1.0 - (_T / 0.95) ** 4, 0.0) ** 0.5
        top = 0.5 * (upper + lower)
        sheet.fill(_band(x * 0.72, top, top + reach + 0.02), tones.skin * 0.5)
        sheet.fill(_band(x * 0.62, top, top + reach), tones.skin * 0.86)
        sheet.fill(_band(x * 0.05, top + 0.04, top + 0.2 * act.tongue), tones.skin * 0.6)
    if opened > 0.08 or act.lip_raise > 0.6:
        if act.upper_teeth > 0.15:
            edge = np.minimum(upper + 0.13 * min(act.upper_teeth, 1.15), upper + 0.9 * space)
            sheet.fill(_band(x * 0.93, upper, edge), tones.teeth)
        if act.lower_teeth > 0.25:
            edge = np.maximum(lower - 0.09 * min(act.lower_teeth, 1.1), upper + 0.62 * space)
            sheet.fill(_band(x * 0.86, edge, lower), tones.teeth * 0.9)
        elif opened > 0.45:
            sheet.fill(_band(x * 0.6, lower - 0.22 * space, lower - 0.01), tones.tongue)


def _draw_glasses(sheet: _Sheet, who: SimpleNamespace, tones: SimpleNamespace) -> None:
    """Two rims, each drawn as a ring cut open at one point, with bridge and temples."""
    for side in (-1.0, 1.0):
        rim = _oval(side * _EYE_X, _EYE_Y + 0.03, 0.35, 0.28)
        inside = _oval(side * _EYE_X, _EYE_Y + 0.03, 0.315, 0.245)
        ring = np.concatenate([rim, rim[:1], inside[:1], inside[:0:-1]])
        sheet.fill(ring, tones.rim)
        bar = np.array([(0.76, -0.2), (0.97, -0.22), (0.97, -0.17), (0.76, -0.14)])
        sheet.fill(bar * (side, 1.0), tones.rim)
    sheet.fill(_band(_T * 0.09, _EYE_Y - 0.03 - 0.03 * _BELL, _EYE_Y + 0.01 - 0.03 * _BELL), tones.rim)


def _shade_face(sheet: _Sheet, who: SimpleNamespace, act: SimpleNamespace) -> None:
    """Soft hollows and bulges: eye sockets, nose, cheeks, chin, folds."""
    lit = -1.0 if who.light_x < 0 else 1.0
    wrinkle, smile = max(act.nose_wrinkle, 0.0), max(act.corner, 0.0)
    spot = sheet.soft
    spot(0.3 * who.light_x, -1.12, 0.55, 0.09, 0.35)  # a gloss on the hair
    spot(0.0, -0.78, 0.5, 0.22, 0.10)  # forehead
    spot(0.0, 0.22, 0.09, 0.14, 0.20)  # tip and bridge of the nose
    spot(0.0, -0.05, 0.07, 0.25, 0.10)
    spot(-lit * 0.15, 0.02, 0.09, 0.32, -0.16)  # the side of the nose away from the light
    spot(0.0, 0.50, 0.14, 0.07, -0.10)
    chin = _chin_y(who, act)
    mouth = _MOUTH_Y + who.mouth_y + 0.35 * max(act.open, 0.0)
    spot(0.0, mouth + 0.17, 0.22, 0.05, -0.18)  # under the lower lip
    spot(0.0, chin - 0.17, 0.2, 0.11, 0.13 + 0.08 * act.chin)
    for side in (-1.0, 1.0):
        spot(side * 0.40, _EYE_Y - 0.09, 0.27, 0.12, -0.14)  # sockets
        spot(side * 0.40, _EYE_Y + 0.2, 0.22, 0.05, -0.08 - 0.08 * who.age)
        spot(side * 0.17, _EYE_Y - 0.04, 0.08, 0.13, -0.16)  # between eye and nose
        spot(side * 0.52, 0.2 - 0.05 * act.cheek, 0.22, 0.15, 0.12 + 0.14 * max(act.cheek, 0.0))  # cheeks
        spot(side * 0.66, 0.62, 0.17, 0.28, -0.10)
        # The fold from nose to corner of the mouth: a chain of small spots.
        depth = -(0.05 + 0.08 * who.age + 0.17 * smile + 0.22 * wrinkle + 0.06 * max(act.lip_raise, 0.0))
        reach = 0.40 + 0.12 * smile + 0.05 * act.stretch
        for part in (0.0, 0.25, 0.5, 0.75, 1.0):
            x = 0.22 + (reach - 0.22 + 0.04) * part**0.8
            spot(side * x, 0.28 - 0.04 * wrinkle + (0.40 - 0.10 * smile) * part, 0.045, 0.07, depth)
        spot(side * reach, 0.73 - 0.12 * act.corner, 0.07, 0.07, -0.12 - 0.08 * abs(act.corner))  # corner of the mouth
    frown = max(act.brow_lower, 0.0)
    if frown > 0.3:
        for side in (-1.0, 1.0):
            spot(side * 0.06, -0.47, 0.03, 0.13, -0.3 * frown)
    raised = max(act.outer_brow, 0.0) + 0.6 * max(act.inner_brow, 0.0)
    if raised > 0.5:
        for row in range(3):
            spot(0.0, -0.86 + 0.09 * row, 0.42, 0.02, -0.09 * raised)


def _light(who: SimpleNamespace) -> np.ndarray:
    """(48, 48) float: the light that an egg of the size of the head throws back (Lambert's cosine law)."""
    x, y = _COLUMNS - (SIZE / 2 + who.dx), _ROWS - (SIZE / 2 + who.dy)
    cos, sin = math.cos(who.roll), math.sin(who.roll)
    across = (cos * x + sin * y) / (_UNIT * who.scale * 1.1)
    down = (cos * y - sin * x) / (_UNIT * who.scale * 1.5)
    front = np.sqrt(np.maximum(0.06, 1.0 - across**2 - down**2))
    length = math.sqrt(who.light_x**2 + who.light_y**2 + 0.64)
    facing = (who.light_x * across + who.light_y * down + 0.8 * front) / length
    return 1.0 - who.diffuse + who.diffuse * 1.25 * np.maximum(facing, 0.0)


def _tones(who: SimpleNamespace) -> SimpleNamespace:
    """The greys of one person, and which hair that person wears."""
    skin = who.skin
    hair = 14.0 + 190.0 * who.hair**2.6
    # Hair and skin of the same grey would melt into each other.
    if abs(hair - skin) < 35.0:
        hair = max(skin - 60.0, 15.0)
    style = _HAIR[min(int(who.style * len(_HAIR)), len(_HAIR) - 1)]
    long = who.long_hair < 0.35 and style["line"] > -1.2
    return SimpleNamespace(
        skin=skin, hair=hair, style=style, long=long,
        brow=min(0.55 * skin, 18.0 + 0.45 * hair), line=min(0.32 * skin, 42.0), eye=150.0 + 0.38 * skin,
        iris=who.iris, lip=skin * who.lip_tone, cavity=22.0, teeth=238.0, tongue=85.0, rim=30.0 + 60.0 * who.age,
        cloth=who.cloth, beard=0.55 * skin * 0.6 + 0.4 * hair,
        bearded=who.beard < 0.16 and not long,
    )  # fmt: skip


def draw(who: SimpleNamespace, act: SimpleNamespace, rng: np.random.Generator) -> np.ndarray:
    """(48, 48) uint8: the portrait of person `who` with the muscles `act`; `rng` gives hair strands and noise."""
    tones = _tones(who)
    sheet = _Sheet()
    _draw_body(sheet, who, act, tones, rng)
    sheet.fill(_head_outline(who, act), tones.skin)
    if tones.bearded:
        _draw_beard(sheet, who, act, tones)
    _draw_nose(sheet, who, act, tones)
    _draw_mouth(sheet, who, act, tones)
    for side in (-1.0, 1.0):
        _draw_eye(sheet, who, act, tones, side)
        _draw_brow(sheet, who, act, tones, side)
    _draw_hair(sheet, who, tones, rng)
    if who.glasses < 0.12:
        _draw_glasses(sheet, who, tones)
    _shade_face(sheet, who, act)
    return _develop(sheet, who, rng)


def _develop(sheet: _Sheet, who: SimpleNamespace, rng: np.random.Generator) -> np.ndarray:
    """Shapes, light and background put together, then what the camera does: contrast, blur, noise."""
    shapes = sheet.shapes(who)
    drawn = cv2.resize(shapes, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    covered = cv2.resize(cv2.threshold(shapes, 0, 255, cv2.THRESH_BINARY)[1], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    back = who.back * (1.0 + who.back_x * (_COLUMNS / SIZE - 0.5) + who.back_y * (_ROWS / SIZE - 0.5))
    image = drawn * (_light(who) * (1.0 + who.relief * sheet.relief(who))) + (1.0 - covered / 255.0) * back
    image = np.minimum(image, 95.0 + 0.5 * image)  # film keeps some drawing in the highlights
    image = (image - 118.0) * who.contrast + 118.0 + who.brightness
    if who.blur > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), who.blur)
    image += 6.0 * who.noise**2 * rng.standard_normal((SIZE, SIZE), np.float32)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
