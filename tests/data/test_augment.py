"""Augmentation: what it changes, what it must not change, and its repeatability."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.config import AugmentConfig
from fer_core.data.augment import augment, mixup

from .build import faces

ALL = AugmentConfig(
    flip=True,
    rotation=30,
    shift=0.2,
    zoom=0.3,
    contrast=0.8,
    brightness=0.5,
    gamma=0.5,
    blur=2.0,
    low_resolution=0.7,
    jpeg=80,
    erase=0.5,
)
EACH = [AugmentConfig(**{name: value}) for name, value in ALL.model_dump().items() if value]


def name(config: AugmentConfig) -> str:
    return ", ".join(config.model_dump(exclude_defaults=True))


@pytest.fixture
def images() -> np.ndarray:
    """Read-only, like a memory-mapped data set."""
    images = np.random.default_rng(0).integers(0, 256, (64, 48, 48), dtype=np.uint8)
    images.flags.writeable = False
    return images


@pytest.mark.parametrize("config", [*EACH, ALL], ids=name)
def test_every_setting_changes_images_within_the_range_and_repeatably(config, images):
    before = images.copy()
    out = augment(images, config, np.random.default_rng(7))
    assert out.shape == images.shape and out.dtype == np.float32
    assert out.min() >= 0 and out.max() <= 255
    assert (out != images).any()
    assert np.array_equal(images, before)
    assert np.array_equal(out, augment(images, config, np.random.default_rng(7)))
    assert not np.array_equal(out, augment(images, config, np.random.default_rng(8)))


def test_the_state_of_the_generator_goes_on(images):
    """Otherwise every epoch would have the same changes."""
    rng = np.random.default_rng(0)
    assert not np.array_equal(augment(images, ALL, rng), augment(images, ALL, rng))


def test_nothing_switched_on_changes_nothing(images):
    out = augment(images, AugmentConfig(), np.random.default_rng(0))
    assert out.dtype == np.float32 and np.array_equal(out, images)
    assert not np.shares_memory(out, images)


def test_mixup_is_left_to_mixup(images):
    assert np.array_equal(augment(images, AugmentConfig(mixup=0.4), np.random.default_rng(0)), images)


@pytest.mark.parametrize("shape", [(48, 48), (40, 57)])
def test_flip_mirrors_about_half_of_the_images_left_to_right(shape):
    images = np.random.default_rng(0).integers(0, 256, (200, *shape), dtype=np.uint8)
    out = augment(images, AugmentConfig(flip=True), np.random.default_rng(0))
    same = (out == images).all(axis=(1, 2))
    mirrored = (out == images[:, :, ::-1]).all(axis=(1, 2))
    assert (same ^ mirrored).all()
    assert 60 < mirrored.sum() < 140


@pytest.mark.parametrize("config", [AugmentConfig(rotation=90), AugmentConfig(zoom=0.5)], ids=name)
def test_the_centre_stays_in_the_centre(config):
    images = np.zeros((50, 49, 49), np.uint8)
    images[:, 20:29, 20:29] = 255
    out = augment(images, config, np.random.default_rng(0))
    assert (out[:, 24, 24] > 250).all()
    places = np.stack(np.indices((49, 49)), axis=-1)
    centres = (out[..., None] * places).sum(axis=(1, 2)) / out.sum(axis=(1, 2))[:, None]
    assert np.abs(centres - 24).max() < 0.3


def test_rotation_turns_by_up_to_its_angle_and_neither_mirrors_nor_shears():
    """Where two dots go, right of the centre and above it: the same draws turn them by the same angle."""

    def moved(row: int, column: int) -> np.ndarray:
        images = np.zeros((200, 49, 49), np.uint8)
        images[:, row - 1 : row + 2, column - 1 : column + 2] = 255
        out = augment(images, AugmentConfig(rotation=30), np.random.default_rng(0))
        places = np.stack(np.indices((49, 49)), axis=-1)
        return (out[..., None] * places).sum(axis=(1, 2)) / out.sum(axis=(1, 2))[:, None] - 24

    right, above = moved(24, 39), moved(9, 24)
    assert np.abs(np.linalg.norm(right, axis=1) - 15).max() < 0.3
    assert np.abs(above - np.stack([-right[:, 1], right[:, 0]], axis=1)).max() < 0.3
    angles = np.rad2deg(np.arctan2(right[:, 0], right[:, 1]))
    assert -31 < angles.min() < -27 and 27 < angles.max() < 31


def test_shift_moves_by_up_to_its_share_of_the_size():
    images = np.zeros((200, 48, 48), np.uint8)
    images[:, 23:25, 23:25] = 255
    out = augment(images, AugmentConfig(shift=0.25), np.random.default_rng(0))
    places = np.stack(np.indices((48, 48)), axis=-1)
    moved = (out[..., None] * places).sum(axis=(1, 2)) / out.sum(axis=(1, 2))[:, None] - 23.5
    assert np.abs(moved).max() <= 12.1
    assert (moved.max(axis=0) > 10).all() and (moved.min(axis=0) < -10).all()


def test_brightness_shifts_and_contrast_scales_about_the_mean():
    images, _ = faces(60)
    images = (100 + images % 50).astype(np.uint8)  # far from both ends of the range
    shifted = augment(images, AugmentConfig(brightness=0.2), np.random.default_rng(0)) - images
    assert np.ptp(shifted, axis=(1, 2)).max() < 0.01
    assert 40 < np.abs(shifted).max() <= 51

    scaled = augment(images, AugmentConfig(contrast=0.5), np.random.default_rng(0))
    assert np.allclose(scaled.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.01)
    factors = scaled.std(axis=(1, 2)) / images.std(axis=(1, 2))
    assert 0.5 <= factors.min() < 0.7 and 1.3 < factors.max() <= 1.5


def smooth(count: int) -> np.ndarray:
    """(count, 48, 48) uint8: a checked ramp, with much detail."""
    ramp = np.add.outer(np.arange(48), np.arange(48)) + 80
    return np.repeat((ramp + 30 * (np.indices((48, 48)).sum(0) % 2))[None], count, axis=0).astype(np.uint8)


def detail(images: np.ndarray) -> np.ndarray:
    return np.abs(np.diff(images.astype(np.float32), axis=2)).mean(axis=(1, 2))


@pytest.mark.parametrize("settings", [{"blur": 3.0}, {"low_resolution": 0.8}], ids=str)
def test_blur_and_low_resolution_take_detail_from_about_half_of_the_images(settings):
    images = smooth(200)
    out = augment(images, AugmentConfig(**settings), np.random.default_rng(0))
    changed = (out != images).any(axis=(1, 2))
    assert 0.35 < changed.mean() < 0.6
    assert (detail(out)[changed] < detail(images)[changed]).all()


def test_gamma_keeps_black_white_and_the_order_of_grey_values():
    images = np.repeat(np.linspace(0, 255, 48 * 48).reshape(1, 48, 48), 100, axis=0).astype(np.uint8)
    out = augment(images, AugmentConfig(gamma=0.5), np.random.default_rng(0))
    assert np.allclose(out[:, 0, 0], 0) and np.allclose(out[:, -1, -1], 255)
    assert (np.diff(out.reshape(100, -1), axis=1) >= 0).all()
    middle = out[:, 24, 0] / 255
    start = images[0, 24, 0] / 255
    assert (middle < start).any() and (middle > start).any()
    assert middle.min() >= start**1.5 - 1e-3 and middle.max() <= start ** (1 / 1.5) + 1e-3


def test_jpeg_changes_about_half_of_the_images_a_little():
    images = smooth(200)
    out = augment(images, AugmentConfig(jpeg=60), np.random.default_rng(0))
    difference = np.abs(out - images).mean(axis=(1, 2))
    assert 0.35 < (difference > 0).mean() < 0.6 and difference.max() < 25


def test_erase_overwrites_a_part_of_the_expected_share_of_images():
    images = np.full((400, 48, 48), 77, np.uint8)
    out = augment(images, AugmentConfig(erase=0.3), np.random.default_rng(0))
    shares = (out != 77).mean(axis=(1, 2))
    assert 80 < (shares > 0).sum() < 160
    assert shares[shares > 0].min() > 0.015 and shares.max() < 0.27


def test_mixup_blends_images_and_targets_alike():
    """The grey level of each image is a function of its target, so both must be blended alike."""
    rng = np.random.default_rng(0)
    targets = np.eye(7, dtype=np.float32)[rng.integers(0, 7, 500)]
    levels = np.array([0, 40, 80, 120, 160, 200, 240], np.float32)
    images = np.broadcast_to((targets @ levels)[:, None, None], (500, 8, 8)).copy()
    for array in (images, targets):
        array.flags.writeable = False

    others = np.roll(targets, 2, axis=1)  # further targets are blended by the same shares
    mixed, (soft, soft_others) = mixup(images, [targets, others], 0.4, np.random.default_rng(1))
    assert mixed.dtype == soft.dtype == np.float32
    assert mixed.shape == images.shape and soft.shape == targets.shape
    assert np.allclose(soft.sum(axis=1), 1, atol=1e-6) and soft.min() >= 0
    assert np.allclose(mixed, (soft @ levels)[:, None, None], atol=1e-3)
    assert (soft[targets == 1] >= 0.5 - 1e-6).all(), "an image must keep more of itself than it takes"
    assert (soft.max(axis=1) < 0.99).any()
    assert np.allclose(soft_others, np.roll(soft, 2, axis=1), atol=1e-6)
    again = mixup(images, [targets], 0.4, np.random.default_rng(1))
    assert np.array_equal(mixed, again[0]) and np.array_equal(soft, again[1][0])
