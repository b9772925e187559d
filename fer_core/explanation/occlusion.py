"""Occlusion sensitivity (Zeiler and Fergus 2014, arXiv:1311.2901): which parts of a face a model needs.

A patch is laid over each part in turn, and the probability that is lost is what the part was worth. This asks the inference file
that the app uses anyhow, so it shows what the shipped model does, all its views and rounding included, and needs no TensorFlow.
"""

from __future__ import annotations

import numpy as np

from ..inference.classifier import Classifier

PATCH, STRIDE = 8, 4  # pixels


def occlusion_maps(
    classifier: Classifier, image: np.ndarray, patch: int = PATCH, stride: int = STRIDE
) -> np.ndarray:
    """(C, 48, 48) float32: the probability of each class that is lost where a patch lies; below 0 where the class gains by it.

    A pixel has the mean over all patches that cover it. Classes are in the order of the classifier's labels. All patches pass the
    model together: with 8 and 4 pixels 121 images, a quarter of a second for `standard` on one core.

    Args:
        image: (48, 48) uint8 grey.
        patch: side of the patch, which has the mean grey value of the image, in pixels.
        stride: from one patch to the next, in pixels.
    """
    side = image.shape[0]
    starts = [*range(0, side - patch, stride), side - patch]
    places = [(top, left) for top in starts for left in starts]
    covered = np.repeat(image[None], len(places) + 1, axis=0)  # the last one stays as it is
    mean = np.uint8(round(float(image.mean())))
    for one, (top, left) in zip(covered, places, strict=False):
        one[top : top + patch, left : left + patch] = mean
    probabilities = classifier.probabilities(covered)
    lost = probabilities[-1] - probabilities[:-1]  # (P, C)
    total, count = (
        np.zeros((len(classifier.labels), side, side), np.float32),
        np.zeros((side, side), np.float32),
    )
    for drop, (top, left) in zip(lost, places, strict=True):
        part = np.s_[top : top + patch, left : left + patch]
        total[:, *part] += drop[:, None, None]
        count[part] += 1
    return total / np.maximum(count, 1)
