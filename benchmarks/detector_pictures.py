"""Pictures with faces at known places, and pictures without any, for benchmarks/detectors.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 480
Place = tuple[tuple[float, float], float]  # middle and side of a face, pixels
Made = tuple[np.ndarray, list[Place]]  # a picture (H, W, 3) uint8 RGB, and its faces


@dataclass(frozen=True)
class Portrait:
    """Photo of one person, with the place of the face."""

    pixels: np.ndarray  # (H, W, 3) uint8 RGB
    middle: tuple[float, float]
    side: float  # mean of the face's width and height, pixels


def ground(
    people: Sequence[Portrait], random: np.random.Generator, width: int = WIDTH, height: int = HEIGHT
) -> np.ndarray:
    """Shuffle 40 px tiles from the upper corners of large photos: edges and colours, but no face."""
    canvas = np.empty((height, width, 3), np.uint8)
    large = [p.pixels for p in people if min(p.pixels.shape[:2]) >= 300]
    for top in range(0, height, 40):
        for left in range(0, width, 40):
            pixels = large[random.integers(len(large))]
            x = 0 if random.random() < 0.5 else pixels.shape[1] - 40
            y = int(random.integers(0, 20))
            tile = pixels[y : y + 40, x : x + 40]
            canvas[top : top + 40, left : left + 40] = tile[: height - top, : width - left]
    return canvas


def put(
    canvas: np.ndarray, who: Portrait, middle: tuple[float, float], side: float, angle: float = 0.0
) -> None:
    """Put the face with what is around it, 1.8 of its side, turned by `angle` and scaled to `side`."""
    height, width = canvas.shape[:2]
    scale, reach = side / who.side, round(1.8 * side)
    pixels, centre = who.pixels, who.middle
    if scale < 0.5:  # warpAffine does not average: first the photo gets smaller, then it is turned
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        centre, scale = (centre[0] * scale, centre[1] * scale), 1.0
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    matrix[:, 2] = matrix[:, 2] + reach / 2 - np.array(centre)
    patch = cv2.warpAffine(pixels, matrix, (reach, reach), borderMode=cv2.BORDER_REPLICATE)
    left, top = round(middle[0] - reach / 2), round(middle[1] - reach / 2)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + reach), min(height, top + reach)
    canvas[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]


def paste(canvas: np.ndarray, who: Portrait, middle: tuple[float, float], side: float) -> None:
    """Paste the whole photo, scaled to a face of `side` pixels."""
    height, width = canvas.shape[:2]
    scale = side / who.side
    patch = cv2.resize(who.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left, top = (round(m - scale * own) for m, own in zip(middle, who.middle, strict=True))
    x0, y0, x1, y1 = (
        max(0, left),
        max(0, top),
        min(width, left + patch.shape[1]),
        min(height, top + patch.shape[0]),
    )
    canvas[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]


def single(
    people: Sequence[Portrait], side: float, angle: float = 0.0, darkness: float = 1.0
) -> Iterator[Made]:
    """One person in the middle of 640x480."""
    random = np.random.default_rng(0)
    for who in people:
        canvas, middle = ground(people, random), (WIDTH / 2, HEIGHT / 2)
        put(canvas, who, middle, side, angle if random.random() < 0.5 else -angle)
        if darkness < 1:  # less light, and the noise of a sensor that got little
            canvas = np.clip(darkness * canvas + random.normal(0, 4, canvas.shape), 0, 255).astype(np.uint8)
        yield canvas, [(middle, side)]


def group(people: Sequence[Portrait]) -> Iterator[Made]:
    """Six people of 60 to 110 px on 640x480."""
    random = np.random.default_rng(1)
    for start in range(0, len(people) - 5, 6):
        canvas, places = ground(people, random), []
        for k, who in enumerate(people[start : start + 6]):
            middle, side = (110.0 + 210 * (k % 3), 120.0 + 240 * (k // 3)), float(random.uniform(60, 110))
            put(canvas, who, middle, side)
            places.append((middle, side))
        yield canvas, places


def closeups(people: Sequence[Portrait], longest: int) -> Iterator[Made]:
    """Photos cut tight around the face, as a selfie at arm's length is."""
    for who in people:
        half, (x, y) = 0.6 * who.side, who.middle
        top, left = max(0, round(y - half)), max(0, round(x - half))
        cut = who.pixels[top : round(y + half), left : round(x + half)]
        scale = longest / max(cut.shape[:2])
        enlarged = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        yield enlarged, [(((x - left) * scale, (y - top) * scale), who.side * scale)]


def crowd(people: Sequence[Portrait], side: int) -> Iterator[Made]:
    """One photo of 4000x3000 with 120 people in ten rows."""
    random = np.random.default_rng(side)
    canvas, places = ground(people, random, 4000, 3000), []
    for k in range(120):
        x, y = (
            333.3 * (k % 12) + 166 + random.uniform(-40, 40),
            300 * (k // 12) + 150 + random.uniform(-30, 30),
        )
        paste(canvas, people[k % len(people)], (x, y), side)
        places.append(((x, y), float(side)))
    yield canvas, places


def panorama(people: Sequence[Portrait]) -> Iterator[Made]:
    """One picture of 12000x1000 with 30 people of 150 px."""
    random = np.random.default_rng(3)
    canvas, places = ground(people, random, 12000, 1000), []
    for k in range(30):
        x, y = 400.0 * k + 200 + random.uniform(-60, 60), 500 + random.uniform(-300, 300)
        paste(canvas, people[k % len(people)], (x, y), 150)
        places.append(((x, y), 150.0))
    yield canvas, places


def turned(people: Sequence[Portrait], quarters: int) -> Iterator[Made]:
    """Whole photos turned anticlockwise by quarters."""
    for who in people:
        (height, width), (x, y) = who.pixels.shape[:2], who.middle
        middle = {0: (x, y), 1: (y, width - x), 2: (width - x, height - y), 3: (height - y, x)}[quarters]
        yield np.ascontiguousarray(np.rot90(who.pixels, quarters)), [(middle, who.side)]


# --- nothing that is a face ---------------------------------------------------------------------------------

_EMOJI = "🚗🚕🚙🚌🚲🚂🏠🏢🌳🌻🍎🍕🍔🎈🎁📱💻📷🔑🔒⚽🏀🎸🎺✈🚀⛵🏆💎📚🐘🐎🐄🐖🐑🐐🐕🐈🐓🐢🐟🐬🦋🐌🐜🐝"
_WORDS = ("Meeting", "at", "noon,", "room", "12.", "Total", "1,284.50", "EUR.", "Exit.", "Please", "closed.")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _logo(random: np.random.Generator) -> Image.Image:
    """Draw discs, rings, bars and two letters."""
    picture = Image.new("RGB", (480, 480), tuple(random.integers(120, 256, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(2, 6))):
        x, y, r = random.integers(60, 420, 3) / np.array([1, 1, 3])
        colour = tuple(random.integers(0, 256, 3).tolist())
        shape = random.integers(3)
        if shape == 0:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        elif shape == 1:
            draw.ellipse((x - r, y - r, x + r, y + r), outline=colour, width=int(random.integers(4, 30)))
        else:
            draw.rectangle((x - r, y - r / 3, x + r, y + r / 3), fill=colour)
    letters = "".join(chr(int(c)) for c in random.integers(65, 91, 2))
    draw.text(tuple(random.integers(40, 260, 2).tolist()), letters, fill="black", font=_font(150))
    return picture


def _text(random: np.random.Generator) -> Image.Image:
    """Write a page."""
    picture = Image.new("RGB", (600, 800), "white")
    draw, size = ImageDraw.Draw(picture), int(random.integers(14, 60))
    for y in range(20, 780, round(1.4 * size)):
        line = " ".join(random.choice(_WORDS) for _ in range(max(1, 900 // size)))
        draw.text((20, y), line, fill="black", font=_font(size))
    return picture


def _tiles(random: np.random.Generator) -> Image.Image:
    """Draw a wall of tiles, bricks or windows."""
    picture = Image.new("RGB", (640, 480), tuple(random.integers(60, 200, 3).tolist()))
    draw, (w, h) = ImageDraw.Draw(picture), random.integers(20, 90, 2).tolist()
    base = random.integers(60, 230, 3)
    for j, y in enumerate(range(0, 480, h)):
        for x in range(-w, 640, w):
            shade = np.clip(base + random.integers(-25, 25), 0, 255)
            left = x + (j % 2) * w // 2
            draw.rectangle((left + 2, y + 2, left + w - 2, y + h - 2), fill=tuple(shade.tolist()))
    return picture


def _noise(random: np.random.Generator) -> Image.Image:
    """Draw noise of any grain."""
    grain = int(random.choice([1, 2, 4, 8, 16, 40]))
    small = random.integers(0, 256, (480 // grain, 640 // grain, 3)).astype(np.uint8)
    return Image.fromarray(cv2.resize(small, (640, 480), interpolation=cv2.INTER_CUBIC))


def _car(random: np.random.Generator) -> Image.Image:
    """Draw a car: body, windows, wheels, lights, as from the side or from the front."""
    picture = Image.new("RGB", (640, 480), tuple(random.integers(130, 230, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    body, dark = tuple(random.integers(0, 256, 3).tolist()), (30, 30, 35)
    draw.rectangle((0, 380, 640, 480), fill=(90, 90, 90))
    x, w, h = int(random.integers(30, 200)), int(random.integers(260, 400)), int(random.integers(90, 160))
    top = 400 - h
    if random.random() < 0.5:
        draw.rounded_rectangle((x, top, x + w, 390), 20, fill=body)
        draw.polygon([(x + w * 0.2, top), (x + w * 0.3, top - h * 0.6), (x + w * 0.7, top - h * 0.6),
                      (x + w * 0.85, top)], fill=body)  # fmt: skip
        draw.polygon([(x + w * 0.26, top), (x + w * 0.33, top - h * 0.5), (x + w * 0.66, top - h * 0.5),
                      (x + w * 0.77, top)], fill=dark)  # fmt: skip
        for wheel in (0.22, 0.78):
            cx, r = x + wheel * w, h * 0.3
            draw.ellipse((cx - r, 390 - r, cx + r, 390 + r), fill=dark)
            draw.ellipse((cx - r / 2, 390 - r / 2, cx + r / 2, 390 + r / 2), fill=(180, 180, 185))
    else:
        draw.rounded_rectangle((x, top - h, x + w, 400), 30, fill=body)
        draw.rounded_rectangle((x + w * 0.12, top - h * 0.9, x + w * 0.88, top - h * 0.2), 15, fill=dark)
        for light in (0.15, 0.85):
            cx, r = x + light * w, h * 0.2
            draw.ellipse((cx - r, top + h * 0.3 - r, cx + r, top + h * 0.3 + r), fill=(245, 245, 220))
        draw.rectangle((x + w * 0.3, top + h * 0.3, x + w * 0.7, top + h * 0.6), fill=dark)
    return picture


def _emoji(random: np.random.Generator) -> Image.Image:
    """Draw a car, an animal or a thing from Noto's emoji, enlarged; shapes where that font is missing."""
    try:
        font = ImageFont.truetype("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", 109)
    except OSError:
        return _logo(random)
    tile = Image.new("RGB", (140, 140), tuple(random.integers(150, 256, 3).tolist()))
    ImageDraw.Draw(tile).text((4, 10), str(random.choice(list(_EMOJI))), font=font, embedded_color=True)
    side = int(random.integers(140, 640))
    picture = Image.new("RGB", (640, 640), tile.getpixel((0, 0)))
    picture.paste(tile.resize((side, side)), tuple(random.integers(0, 641 - side, 2).tolist()))
    return picture


def _landscape(random: np.random.Generator) -> Image.Image:
    """Draw a sky, hills and noise like grass."""
    pixels = np.zeros((480, 640, 3), np.float32)
    pixels[:] = np.linspace(1, 0.5, 480)[:, None, None] * np.array([130, 170, 230])
    for k in range(3):
        waves = sum(
            random.uniform(5, 40) * np.sin(np.arange(640) / random.uniform(20, 150) + random.uniform(0, 6))
            for _ in range(4)
        )
        below = np.arange(480)[:, None] > 180 + 90 * k + waves
        pixels[below] = random.uniform(0.4, 1) * np.array([90, 130, 60]) * (1 - 0.2 * k)
    pixels += cv2.GaussianBlur(random.normal(0, 40, pixels.shape), (0, 0), random.uniform(0.6, 4))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


DRAWN: Sequence[Callable[[np.random.Generator], Image.Image]] = (
    _logo, _text, _tiles, _noise, _car, _emoji, _landscape,
)  # fmt: skip


def faceless(people: Sequence[Portrait], count: int = 300) -> Iterator[Made]:
    """Pictures without a face: drawn ones of each kind, and one in eight of shuffled tiles of photos."""
    random = np.random.default_rng(5)
    for k in range(count):
        kind = k % (len(DRAWN) + 1)
        if kind < len(DRAWN):
            yield np.asarray(DRAWN[kind](random).convert("RGB")), []
        else:
            yield ground(people, random), []


def matches(box: Sequence[float], middle: tuple[float, float], side: float) -> bool:
    """Return whether a box is a face: its middle within 0.35 of the side, its size half to twice the side."""
    away = math.hypot(box[0] + box[2] / 2 - middle[0], box[1] + box[3] / 2 - middle[1])
    return bool(away <= 0.35 * side and 0.5 <= (box[2] + box[3]) / 2 / side <= 2)
