"""What about a face on a photo is unlike the images that the models learned from, so that their answer deserves less trust.

The thresholds are percentiles of FER2013's 28,709 training images, so of each kind one in a hundred of these is called unlike too;
`python benchmarks/unlike.py ../shared/data/fer2013.parquet` measures them anew.
"""

from __future__ import annotations

import math

import numpy as np

from ..data.measures import measures
from .predict import FacePrediction

# Percentiles 1 and 99 of the training images, measured as `data.measures` and the functions below do; landmarks are YuNet's on the
# 27,708 images in which it finds a face.
DARK, BRIGHT = 51.5, 204.0
PALE = 25.1
BLURRED = 403.0
TILTED = 20.6  # degrees
TURNED = 0.644
# No percentile: all images have 48 pixels. Made 32 pixels wide and enlarged again, the 3,589 validation images cost the model "standard"
# 4.2 points of its 70.9 % (66.7 %, 95 % interval 65.1 to 68.2); at 40 pixels 1.7, at 24 pixels 11.
SMALL = 32


def roll(landmarks: np.ndarray) -> float:
    """How far a head is tilted towards a shoulder, in degrees: the angle of the line between the eyes, 0 where it is level.

    YuNet's landmarks turn less than a head does: on 89 photos that were turned by 20 degrees the median is 15, by 30 degrees 20.

    Args:
        landmarks: (5, 2) as of `Face`.
    """
    x, y = landmarks[1] - landmarks[0]
    return math.degrees(math.atan2(y, x))


def yaw(landmarks: np.ndarray) -> float:
    """How far a head is turned to a side: where the tip of the nose lies along the line between the eyes.

    0 is in the middle, -0.5 and 0.5 are below an eye, and beyond them it is seen nearly from the side. No angle: that would need the
    shape of the head.
    """
    between = landmarks[1] - landmarks[0]
    length = float(between @ between)
    return float((landmarks[2] - landmarks[0]) @ between) / length - 0.5 if length else 0.0


def unlike_training(face: FacePrediction) -> list[str]:
    """Short sentences on what about a face is rare among the training images; none where nothing is."""
    measured = {name: float(values[0]) for name, values in measures(face.crop[None]).items()}
    brightness, contrast, sharpness = (measured[name] for name in ("brightness", "contrast", "sharpness"))
    said = []
    if brightness < DARK:
        said.append(
            f"Dark: its mean grey is {brightness:.0f} of 255; 99 % of the training images are above {DARK:.0f}."
        )
    if brightness > BRIGHT:
        said.append(
            f"Bright: its mean grey is {brightness:.0f} of 255; 99 % of the training images are below {BRIGHT:.0f}."
        )
    if contrast < PALE:
        said.append(
            f"Low contrast: its grey values spread by {contrast:.0f}; in 99 % of the training images by more than {PALE:.0f}."
        )
    if sharpness < BLURRED:
        said.append(
            f"Blurred: its sharpness is {sharpness:.0f}; in 99 % of the training images above {BLURRED:.0f}."
        )
    if face.landmarks is not None:
        angle = roll(face.landmarks)
        if abs(angle) > TILTED:
            said.append(
                f"Tilted: its eyes are off the level by some {abs(angle):.0f}°; in 99 % of the training images by less than {TILTED:.0f}°."
            )
        if abs(yaw(face.landmarks)) > TURNED:
            said.append(
                "Turned away: its nose lies beyond one eye, further than in 99 % of the training faces."
            )
    side = math.sqrt(face.box[2] * face.box[3])
    if side < SMALL:
        said.append(
            f"Small: about {side:.0f} pixels a side, enlarged to 48; accuracy on FER2013 falls by 4 points where faces had {SMALL} pixels."
        )
    return said
