"""Data augmentation of training images.

All geometry is one affine warp, so an image is interpolated only once.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..config import AugmentConfig


def augment(images: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """Return randomly changed copies of a batch.

    Args:
        images: (N, H, W) uint8.
        config: Strength of each change; `mixup` is not applied here, since it needs the labels.
        rng: Source of all randomness.

    Returns:
        (N, H, W) float32 in 0..255.
    """
    n, height, width = images.shape
    out = np.empty((n, height, width), np.float32)
    draw = rng.uniform(-1, 1, (6, n)).astype(np.float32)
    flip = np.asarray(rng.random(n) < (0.5 if config.flip else 0.0))
    warps = bool(config.flip or config.rotation or config.shift or config.zoom)
    if warps:
        for i, matrix in enumerate(_matrices(draw, flip, height, width, config)):
            out[i] = cv2.warpAffine(
                images[i], matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
    else:
        out[:] = images
    if config.contrast:
        mean = out.mean(axis=(1, 2), keepdims=True)
        out = mean + (out - mean) * (1 + config.contrast * draw[4])[:, None, None]
    if config.brightness:
        out = out + (255 * config.brightness * draw[5])[:, None, None]
    np.clip(out, 0, 255, out=out)
    if config.gamma or config.blur or config.low_resolution or config.jpeg:
        _degrade(out, config, rng)
    if config.erase:
        _erase(out, config.erase, rng)
    return out


def _matrices(
    draw: np.ndarray, flip: np.ndarray, height: int, width: int, config: AugmentConfig
) -> np.ndarray:
    """Return (N, 2, 3) affine matrices about the centre of the image from draws (6, N) in -1..1."""
    angle = np.deg2rad(config.rotation) * draw[0]
    scale = 1 + config.zoom * draw[1]
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    mirror = np.where(flip, -1.0, 1.0)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    linear = np.stack([cos * mirror, -sin, sin * mirror, cos], axis=1).reshape(-1, 2, 2)
    offset = centre + config.shift * np.array([width, height]) * draw[2:4].T - linear @ centre
    return np.concatenate([linear, offset[..., None]], axis=2)


def _degrade(images: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> None:
    """Change images in place as cameras and networks do: exposure, blur, low resolution, JPEG."""
    n, height, width = images.shape
    amount = rng.random((4, n))
    applies = rng.random((3, n)) < 0.5
    for i, image in enumerate(images):
        if config.gamma:
            power = (1 + config.gamma) ** (2 * amount[0, i] - 1)
            image = 255 * (image / 255) ** power
        if config.blur and applies[0, i]:
            image = cv2.GaussianBlur(image, (0, 0), max(0.05, config.blur * amount[1, i]))
        if config.low_resolution and applies[1, i]:
            share = 1 - config.low_resolution * amount[2, i]
            size = max(2, round(width * share)), max(2, round(height * share))
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        if config.jpeg and applies[2, i]:
            quality = round(100 - config.jpeg * amount[3, i])
            encoded = cv2.imencode(
                ".jpg", np.rint(image).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
            )[1]
            image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.float32)
        images[i] = np.clip(image, 0, 255)  # rounding may leave the range by a hair


def _erase(images: np.ndarray, chance: float, rng: np.random.Generator) -> None:
    """Erase 2 to 25% of the area at random, in place (Zhong et al. 2017, arXiv:1708.04896)."""
    n, height, width = images.shape
    for i in np.flatnonzero(rng.random(n) < chance):
        area = rng.uniform(0.02, 0.25) * height * width
        aspect = np.exp(rng.uniform(np.log(0.4), np.log(2.5)))
        h = int(np.clip(round(np.sqrt(area * aspect)), 1, height))
        w = int(np.clip(round(np.sqrt(area / aspect)), 1, width))
        y, x = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
        images[i, y : y + h, x : x + w] = rng.uniform(0, 255, (h, w))


def mixup(
    images: np.ndarray, targets: list[np.ndarray], alpha: float, rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Blend each image and its targets with another of the batch (Zhang et al. 2017, arXiv:1710.09412).

    Args:
        images: (N, H, W) float32.
        targets: (N, C) float32 arrays, all blended by the same shares.
        alpha: Parameter of the Beta distribution from which the share is drawn.
    """
    share = rng.beta(alpha, alpha, len(images)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    partner = rng.permutation(len(images))
    keep = share[:, None]
    blended = [target * keep + target[partner] * (1 - keep) for target in targets]
    return images * keep[..., None] + images[partner] * (1 - keep[..., None]), blended
