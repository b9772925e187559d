"""Warnings about faces that differ from the training images, for which a model's answer deserves less trust.

The thresholds are percentiles of FER2013's 28,709 training images, so each warning applies to one in a
hundred of these; `python benchmarks/unlike.py fer2013.csv` measures them again.
"""

from __future__ import annotations

import math

import numpy as np

from ..data.measures import measures
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


def input_warnings(face: FacePrediction) -> list[str]:
    """Describe what about a face is rare among the training images, one short sentence each."""
    measured = {name: float(values[0]) for name, values in measures(face.crop[None]).items()}
    brightness, contrast, sharpness = (measured[name] for name in ("brightness", "contrast", "sharpness"))
    warnings = []
    if brightness < DARK:
        warnings.append(
            f"Dark: its mean grey is {brightness:.0f} of 255; 99% of the training images are above "
            f"{DARK:.0f}."
        )
    if brightness > BRIGHT:
        warnings.append(
            f"Bright: its mean grey is {brightness:.0f} of 255; 99% of the training images are below "
            f"{BRIGHT:.0f}."
        )
    if contrast < PALE:
        warnings.append(
            f"Low contrast: its grey values spread by {contrast:.0f}; in 99% of the training images by "
            f"more than {PALE:.0f}."
        )
    if sharpness < BLURRED:
        warnings.append(
            f"Blurred: its sharpness is {sharpness:.0f}; in 99% of the training images above {BLURRED:.0f}."
        )
    if face.landmarks is not None:
        angle = roll(face.landmarks)
        if abs(angle) > TILTED:
            warnings.append(
                f"Tilted: its eyes are tilted by about {abs(angle):.0f}°; in 99% of the training "
                f"images by less than {TILTED:.0f}°."
            )
        if abs(yaw(face.landmarks)) > TURNED:
            warnings.append(
                "Turned away: its nose lies beyond one eye, further than in 99% of the training faces."
            )
    side = math.sqrt(face.box[2] * face.box[3])
    if side < SMALL:
        warnings.append(
            f"Small: about {side:.0f} pixels a side, enlarged to 48; accuracy on FER2013 falls by 4 points "
            f"where faces had {SMALL} pixels."
        )
    return warnings
