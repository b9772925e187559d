"""Image corruptions in five levels, after ImageNet-C (Hendrycks and Dietterich 2019, arXiv:1903.12261).

The kinds are ImageNet-C's without its glass blur, frost and snow, whose texture is lost on 48x48 pixels;
darkness and rotation, which are common with webcams, are added. Its strengths are for 224x224 pixels; these
were chosen by eye on FER2013, so that level 1 is barely visible and most people could still recognise the
expression at level 5, with effort. So figures compare models of FER Explorer with one another, not with
published figures on ImageNet-C.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ..errors import DataError

LEVELS = (1, 2, 3, 4, 5)
Corruption = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def corrupt(images: np.ndarray, name: str, level: int, seed: int = 0) -> np.ndarray:
    """Apply one corruption to the images, (N, 48, 48) uint8.

    The same seed returns the same, and each image has its own noise.

    Args:
        images: (N, 48, 48) uint8 grey.
        name: One of CORRUPTIONS.
        level: 1 to 5.

    Raises:
        DataError: There is no such corruption or level.
    """
    if name not in CORRUPTIONS:
        raise DataError(f"Unknown corruption {name!r}: expected one of {', '.join(CORRUPTIONS)}.")
    if level not in LEVELS:
        raise DataError(f"Unknown level {level!r} of {name}: expected 1 to 5.")
    rng = np.random.default_rng([seed, list(CORRUPTIONS).index(name), level])
    return CORRUPTIONS[name](np.asarray(images), level, rng)


def gaussian_noise(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Add sensor noise of low light. The strength is a standard deviation in grey values."""
    return _bytes(images + rng.normal(0, (8, 14, 20, 28, 38)[level - 1], images.shape))


def shot_noise(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Add photon noise, stronger where it is bright.

    The strength is the number of photons of a white pixel.
    """
    photons = (150, 70, 35, 18, 10)[level - 1]
    return _bytes(rng.poisson(images / 255 * photons) / photons * 255)


def impulse_noise(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Set single pixels to black or white. The strength is their share."""
    chance = rng.random(images.shape)
    share = (0.01, 0.03, 0.06, 0.1, 0.16)[level - 1]
    return np.where(chance < share / 2, 0, np.where(chance < share, 255, images)).astype(np.uint8)


def defocus_blur(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Blur by the mean over a disc. The strength is its radius in pixels."""
    radius = (0.8, 1.2, 1.7, 2.3, 3.0)[level - 1]
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)  # with a soft edge, so that half a pixel counts
    return _each(images, lambda image: _filtered(image, kernel))


def motion_blur(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Blur by motion, each image in a random direction. The strength is the distance in pixels."""
    length = (2.5, 4, 5.5, 7.5, 10)[level - 1]
    return np.stack([_filtered(image, _line(length, rng.uniform(0, np.pi))) for image in images])


def zoom_blur(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Blur by motion towards the camera. The strength is the growth of the face during the exposure."""
    factors = np.linspace(1, 1 + (0.06, 0.1, 0.15, 0.21, 0.28)[level - 1], 8)
    return _each(
        images,
        lambda image: _bytes(np.mean([_turned(image, 0, f).astype(np.float32) for f in factors], axis=0)),
    )


def fog(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Add a grey veil with clouds of several sizes. The strength is its share of the light."""
    share = (0.25, 0.37, 0.49, 0.6, 0.7)[level - 1]
    veil = 150 + 90 * _clouds(len(images), rng)
    return _bytes(images * (1 - share) + veil * share)


def brightness(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Overexpose. The strength is added to every grey value, and values above white are clipped."""
    return _bytes(images.astype(np.float32) + (25, 45, 65, 85, 105)[level - 1])


def darkness(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Underexpose, with the corresponding noise. The strength is the remaining share of the light."""
    light = (0.6, 0.42, 0.3, 0.2, 0.12)[level - 1]
    return _bytes(images * light + rng.normal(0, 2.5, images.shape))


def contrast(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Reduce the contrast. The strength is its remaining share."""
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _bytes(mean + (images - mean) * (0.6, 0.42, 0.28, 0.18, 0.1)[level - 1])


def elastic_transform(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Distort like an image in water (Simard et al. 2003). The strength is the largest shift in pixels."""
    y, x = np.mgrid[:48, :48].astype(np.float32)
    out = []
    for image in images:
        shifts = [
            cv2.GaussianBlur(rng.uniform(-1, 1, (48, 48)).astype(np.float32), (0, 0), 4) for _ in range(2)
        ]
        dx, dy = (shift / np.abs(shift).max() * (1.2, 2, 2.8, 3.8, 5)[level - 1] for shift in shifts)
        out.append(cv2.remap(image, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return np.stack(out)


def pixelate(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Shrink the face and enlarge it again. The strength is its side in pixels."""
    side = (34, 26, 20, 15, 12)[level - 1]

    def small(image: np.ndarray) -> np.ndarray:
        return cv2.resize(
            cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA),
            (48, 48),
            interpolation=cv2.INTER_NEAREST,
        )

    return _each(images, small)


def jpeg_compression(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Compress as JPEG. The strength is its quality."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, (45, 28, 18, 11, 6)[level - 1]]

    def saved(image: np.ndarray) -> np.ndarray:
        return np.asarray(
            cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_GRAYSCALE), np.uint8
        )

    return _each(images, saved)


def rotation(images: np.ndarray, level: int, rng: np.random.Generator) -> np.ndarray:
    """Tilt the head, half of the images to each side. The strength is the angle in degrees."""
    angle = (8, 16, 24, 34, 45)[level - 1]
    return np.stack(
        [
            _turned(image, angle * sign, 1)
            for image, sign in zip(images, rng.choice([-1, 1], len(images)), strict=True)
        ]
    )


CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": gaussian_noise,
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "defocus_blur": defocus_blur,
    "motion_blur": motion_blur,
    "zoom_blur": zoom_blur,
    "fog": fog,
    "brightness": brightness,
    "darkness": darkness,
    "contrast": contrast,
    "elastic_transform": elastic_transform,
    "pixelate": pixelate,
    "jpeg_compression": jpeg_compression,
    "rotation": rotation,
}


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _each(images: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return np.stack([change(image) for image in images])


def _filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _line(length: float, angle: float) -> np.ndarray:
    """Return a kernel with a line through its middle and antialiased ends."""
    reach = int(np.ceil(length / 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))
    across = np.abs(y * np.cos(angle) - x * np.sin(angle))
    return np.clip(1 - across, 0, 1) * np.clip(length / 2 + 0.5 - along, 0, 1)


def _turned(image: np.ndarray, degrees: float, factor: float) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((23.5, 23.5), degrees, factor)
    return cv2.warpAffine(image, matrix, (48, 48), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _clouds(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return random clouds in 0..1, (count, 48, 48), from smoothed grids of doubling resolution."""
    out = np.zeros((count, 48, 48), np.float32)
    for octave in range(4):
        side = 3 * 2**octave
        for cloud in out:
            cloud += (
                cv2.resize(
                    rng.random((side, side)).astype(np.float32), (48, 48), interpolation=cv2.INTER_CUBIC
                )
                / 2**octave
            )
    low, high = out.min(axis=(1, 2), keepdims=True), out.max(axis=(1, 2), keepdims=True)
    return (out - low) / (high - low)
