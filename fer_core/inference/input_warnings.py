"""Warnings about faces that differ from the training images, for which a model's answer deserves less trust.

The thresholds are percentiles of FER2013's 28,709 training images, so each warning applies to one in a
hundred of these; `python benchmarks/unlike.py fer2013.csv` measures them again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.measures import measures
from .covered import covered_parts
from .predict import FacePrediction

# Percentiles 1 and 99 of the training images, as measured by `data.measures` and the functions below, with
# YuNet's landmarks on the 27,708 images in which it finds a face.
DARK, BRIGHT = 51.5, 204.0
PALE = 25.1
BLURRED = 403.0
TILTED = 20.6  # degrees
TURNED = 0.644
# Not a percentile, since all images have 48 pixels. Shrunk to 32 pixels and enlarged again, the 3,589
# validation images cost the model "standard" 4.2 points of its 70.9% (66.7%, 95% interval 65.1 to 68.2); at
# 40 pixels 1.7, at 24 pixels 11.
SMALL = 32


def roll(landmarks: np.ndarray) -> float:
    """Return the tilt of a head towards a shoulder: the angle of the line between the eyes in degrees.

    YuNet's landmarks turn less than the head: on 89 photos turned by 20 degrees the median is 15, by 30
    degrees 20.

    Args:
        landmarks: (5, 2), see `Face`.
    """
    x, y = landmarks[1] - landmarks[0]
    return math.degrees(math.atan2(y, x))


def yaw(landmarks: np.ndarray) -> float:
    """Return the turn of a head to a side: the position of the nose tip along the line between the eyes.

    0 is in the middle, -0.5 and 0.5 are below an eye, and beyond them the head is nearly in profile. This is
    not an angle, which would need the shape of the head.
    """
    between = landmarks[1] - landmarks[0]
    length = float(between @ between)
    return float((landmarks[2] - landmarks[0]) @ between) / length - 0.5 if length else 0.0


@dataclass(frozen=True)
class InputWarning:
    """What about a face makes the answer less certain."""

    name: str  # in CSV and JSON; one of NAMES
    detail: str  # one sentence with the figures


# All names, in the order of their report.
NAMES = (
    "mouth covered",
    "eyes covered",
    "dark",
    "bright",
    "low contrast",
    "blurred",
    "tilted",
    "turned away",
    "small",
)


def warning_bits(warnings: Sequence[InputWarning]) -> int:
    """Return warnings as one number, a bit each in the order of NAMES, for the many sights of a video."""
    return sum(1 << NAMES.index(warning.name) for warning in warnings)


def names_of_bits(bits: int) -> list[str]:
    """Return the names that `warning_bits` packed."""
    return [name for i, name in enumerate(NAMES) if bits >> i & 1]


def one_line(warnings: Sequence[InputWarning]) -> str:
    """Return a short line for a reader, such as "Mouth covered: the answer is less certain"; "" for none."""
    names = ", ".join(warning.name for warning in warnings)
    return f"{names.capitalize()}: the answer is less certain" if names else ""


def input_warnings(face: FacePrediction) -> list[InputWarning]:
    """Describe what about a face is rare among the training images, in the order of NAMES."""
    measured = {name: float(values[0]) for name, values in measures(face.crop[None]).items()}
    brightness, contrast, sharpness = (measured[name] for name in ("brightness", "contrast", "sharpness"))
    warnings = []

    def warn(name: str, detail: str) -> None:
        warnings.append(InputWarning(name, detail))

    # A mouth in the dark has no more edges than one behind a mask.
    if face.crop_landmarks is not None and brightness >= DARK and contrast >= PALE:
        covered = covered_parts(face.crop, face.crop_landmarks)
        if covered.mouth:
            warn("mouth covered", "A mask, a hand or something else seems to cover the mouth.")
        if covered.eyes:
            warn("eyes covered", "Glasses, a bar or something else seems to cover the eyes.")
    if brightness < DARK:
        warn(
            "dark",
            f"Its mean grey is {brightness:.0f} of 255; 99% of the training images are above {DARK:.0f}.",
        )
    if brightness > BRIGHT:
        warn(
            "bright",
            f"Its mean grey is {brightness:.0f} of 255; 99% of the training images are below {BRIGHT:.0f}.",
        )
    if contrast < PALE:
        warn(
            "low contrast",
            f"Its grey values spread by {contrast:.0f}; in 99% of the training images by more than "
            f"{PALE:.0f}.",
        )
    if sharpness < BLURRED:
        warn(
            "blurred", f"Its sharpness is {sharpness:.0f}; in 99% of the training images above {BLURRED:.0f}."
        )
    if face.landmarks is not None:
        angle = (roll(face.landmarks) + face.rotation + 180) % 360 - 180
        if abs(angle) > TILTED:
            warn(
                "tilted",
                f"Its eyes are tilted by about {abs(angle):.0f}°; in 99% of the training images by less than "
                f"{TILTED:.0f}°.",
            )
        if abs(yaw(face.landmarks)) > TURNED:
            warn("turned away", "Its nose lies beyond one eye, further than in 99% of the training faces.")
    side = math.sqrt(face.box[2] * face.box[3])
    if side < SMALL:
        warn(
            "small",
            f"About {side:.0f} pixels a side, enlarged to 48; accuracy on FER2013 falls by 4 points where "
            f"faces had {SMALL} pixels.",
        )
    return warnings
