"""Occlusion sensitivity: which parts of a face a model needs (Zeiler and Fergus 2014, arXiv:1311.2901).

A patch covers each part in turn, and the loss of probability is the importance of the part. This uses the
inference file of the app, so it shows the behaviour of the shipped model, including all its views and
rounding, and needs no TensorFlow.
"""

from __future__ import annotations

import numpy as np

from ..bundles.classifier import Classifier

PATCH, STRIDE = 8, 4  # pixels


def occlusion_maps(
    classifier: Classifier, image: np.ndarray, patch: int = PATCH, stride: int = STRIDE
) -> np.ndarray:
    """Compute the loss of each class's probability under a patch, (C, 48, 48) float32.

    It is negative where the class gains.

    A pixel has the mean over all patches that cover it. Classes are in the order of the classifier's labels.
    All patches pass the model together: with 8 and 4 pixels 121 images, a quarter of a second for `standard`
    on one core.

    Args:
        image: (48, 48) uint8 grey.
        patch: Side in pixels of the patch, which has the mean grey value of the image.
        stride: Distance between patches in pixels.
    """
    side = image.shape[0]
    starts = [*range(0, side - patch, stride), side - patch]
    places = [(top, left) for top in starts for left in starts]
    covered = np.repeat(image[None], len(places) + 1, axis=0)  # the last one stays uncovered
    mean = np.uint8(round(float(image.mean())))
    for covered_face, (top, left) in zip(covered, places, strict=False):
        covered_face[top : top + patch, left : left + patch] = mean
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
