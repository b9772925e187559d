"""Search ranges of a sweep that are proposed for the settings of a preset."""

from __future__ import annotations

import typing
from typing import Literal

from ..config import RunConfig
from ..errors import ConfigError
from .sweep_folder import SweepConfig

# Ranges that suit most presets, whatever value they have themselves.
_USUAL = {
    "train.label_smoothing": "0..0.2",
    "augment.rotation": "0..20",
    "augment.shift": "0..0.15",
    "augment.zoom": "0..0.2",
    "augment.erase": "0..0.5",
    "augment.mixup": "0..0.4",
}
_DECADES = ("train.learning_rate", "train.weight_decay")  # within 10 times of the preset's value
_NOT_SEARCHED = (
    "train.epochs",
    "train.teacher",
    "train.start_from",
    "train.freeze_until",
    "train.seed",
    "train.precision",
)


def proposed(config: RunConfig) -> dict[str, str]:
    """Return a search range for each setting that a sweep may vary, by path, the most usual ones first."""
    first = ("train.learning_rate", "train.batch_size", "train.weight_decay", "train.optimizer", *_USUAL)
    paths = [
        f"{section}.{name}"
        for section in ("train", "augment")
        for name in type(getattr(config, section)).model_fields
    ]
    paths += [f"model.hparams.{name}" for name in config.model.hparams if name != "blocks"]
    ordered = [*first, *(path for path in paths if path not in first and path not in _NOT_SEARCHED)]
    ranges = {path: text for path in ordered if (text := _range(config, path)) is not None}
    return {path: text for path, text in ranges.items() if _fits(config, path, text)}


def _fits(config: RunConfig, path: str, text: str) -> bool:
    """Return whether all values of a range go together with the other settings."""
    try:
        SweepConfig.make(config, {path: text}, trials=1)
    except ConfigError:
        return False
    return True


def _range(config: RunConfig, path: str) -> str | None:
    """Return the range of one setting, or None for one that has no range, such as a list."""
    value = config.setting(path)
    if path in _USUAL:
        return _USUAL[path]
    if path in _DECADES:
        return f"{value / 10:.3g}..{value * 10:.3g}:log" if value else "1e-05..0.01:log"
    if isinstance(value, bool):
        return "true, false"
    section, _, name = path.partition(".")
    field = type(getattr(config, section)).model_fields.get(name)
    if field is not None and typing.get_origin(field.annotation) is Literal:
        return ", ".join(map(str, typing.get_args(field.annotation)))
    if isinstance(value, int):
        return f"{value // 2}, {value}, {2 * value}" if value > 1 else "0, 1, 2"
    if isinstance(value, float):
        return (
            f"{value / 2:.3g}..{min(1.0, 2 * value) if value <= 1 else 2 * value:.3g}" if value else "0..0.5"
        )
    return None
