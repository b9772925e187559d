"""Presets: a network with its data form and training settings, to be repeated with one command."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .bundles.bundle import CARD, MODELS_DIR
from .config import RunConfig
from .errors import ConfigError

DEFAULT_PRESET = "standard"


@dataclass(frozen=True)
class Preset:
    """A named configuration with its description and claim."""

    name: str
    title: str
    description: str
    data_form: str  # the form of FER2013 that the published code read
    claim: str | None  # the accuracy that READMEs state for it
    config: RunConfig


def _preset(
    name: str,
    title: str,
    description: str,
    data_form: str,
    claim: str | None,
    model: dict[str, Any],
    train: dict[str, Any],
    augment: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    bundle: dict[str, Any] | None = None,
) -> Preset:
    config = RunConfig.parse(
        {
            "preset": name,
            "model": model,
            "train": train,
            "augment": augment or {},
            "data": data or {},
            "bundle": bundle or {},
        }
    )
    return Preset(name, title, description, data_form, claim, config)


def _plain(**hparams: Any) -> dict[str, Any]:
    return {"family": "plain", "hparams": hparams}


def _weighted(size: str, filters: list[int], dense: int) -> Preset:
    return _preset(
        f"baseline-weighted-{size}",
        f"Baseline with class weights, size {size.upper()}",
        f"Conv {'-'.join(map(str, filters))}, each with pooling and dropout 0.25; flatten; dense {dense}; "
        "dropout 0.5. Rare classes weigh more in the loss.",
        "CSV with one-hot labels",
        None,
        _plain(filters=filters, block_dropout=0.25, dense_units=dense, dense_dropout=0.5),
        {"epochs": 30, "batch_size": 64, "class_weight": "balanced"},
    )


_FACES = {
    "flip": True,
    "rotation": 10,
    "shift": 0.08,
    "zoom": 0.15,
    "contrast": 0.2,
    "brightness": 0.1,
    "erase": 0.25,
}
_LONG = {
    "epochs": 100,
    "batch_size": 128,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "schedule": "cosine",
    "warmup_epochs": 3,
    "weight_decay": 5e-4,
    "label_smoothing": 0.1,
    "average": 0.7,
    "keep": "last",
    "votes_weight": 1.0,
    "precision": "auto",
}
_TRANSFER = {
    "epochs": 25,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "warmup_epochs": 2,
    "head_epochs": 1,
    "weight_decay": 0.02,
    "label_smoothing": 0.1,
    "votes_weight": 1.0,
    "keep": "last",
    "average": 0.5,
}
_PHOTO_LIKE = _FACES | {"gamma": 0.2, "blur": 0.5, "low_resolution": 0.25, "jpeg": 30, "erase": 0.1}


def _shipped(
    name: str, title: str, description: str, hparams: dict[str, Any], train: dict[str, Any] | None = None
) -> Preset:
    return _preset(
        name,
        title,
        description,
        "any",
        None,
        {"family": "residual", "hparams": hparams},
        _LONG | (train or {}),
        _FACES,
        {"drop": ["not a face"]},
        {"mirror": True, "zoom": True, "quantisation": "int8"},
    )


_STANDARD = {"width": 32, "blocks": [1, 2, 2, 1], "dropout": 0.3}

_ALL = (
    _shipped(
        "standard",
        "Standard network",
        "The default: a residual network of 1.6 M parameters on images normalised one by one, "
        "with augmentation, label smoothing, a cosine "
        "schedule and averaged weights. A second output learns how people voted, where FER+ votes are there.",
        _STANDARD,
    ),
    _shipped(
        "tiny",
        "Tiny network",
        "For browsers, phones and slow hosts: 0.1 M parameters in 8 bits, distilled from `standard` and "
        "trained on the labels.",
        {"width": 16, "blocks": [2, 3, 1], "dropout": 0.1},
        {"epochs": 200, "teacher": "standard", "teacher_weight": 0.7, "weight_decay": 2e-4},
    ),
    _shipped(
        "best",
        "Network of the ensemble",
        "The network of `standard`: trained with several seeds, then bundled into one model that averages "
        "them (command `bundle`).",
        _STANDARD,
    ),
    _shipped(
        "ferplus",
        "FER+ network",
        "The network of `standard`, but its output for the voters is used: it answers as most people would.",
        _STANDARD,
        {"output": "votes"},
    ),
    _preset(
        "transfer",
        "Face network",
        "MobileNet v1 on images enlarged to 96 pixels. It is meant to start from weights that were learned "
        "on faces: `--start-from vladmandic-human-3.3.6.tgz`, a file that "
        "`npm pack @vladmandic/human@3.3.6` makes.",
        "any",
        None,
        {"family": "mobilenet", "hparams": {"size": 96, "dropout": 0.3}},
        _TRANSFER,
        _PHOTO_LIKE,
        {"drop": ["not a face"]},
        {"mirror": True, "quantisation": "int8"},
    ),
    _preset(
        "imagenet",
        "ImageNet network",
        "MobileNetV2 of keras.applications on images enlarged to 96 pixels. It is meant to start from "
        "weights that were learned on ImageNet: `--start-from imagenet`, which Keras downloads.",
        "any",
        None,
        {"family": "application", "hparams": {"name": "MobileNetV2", "size": 96, "dropout": 0.3}},
        _TRANSFER,
        _PHOTO_LIKE,
        {"drop": ["not a face"]},
        {"mirror": True, "quantisation": "int8"},
    ),
    _preset(
        "quick",
        "Quick network",
        "For a first try: conv 32-64-128, each with pooling; dense 128. It learns the embedded faces in less "
        "than a minute.",
        "any",
        None,
        _plain(filters=[32, 64, 128], dense_units=128),
        {"epochs": 10, "batch_size": 32, "schedule": "cosine"},
    ),
    _preset(
        "baseline-deep",
        "Deep baseline",
        "Conv 3x3 32-64-128-256 with ReLU, each followed by 2x2 max-pooling; flatten; dense 128; "
        "dropout 0.3.",
        "CSV, labels as numbers",
        "about 70%",
        _plain(filters=[32, 64, 128, 256], dense_units=128, dense_dropout=0.3),
        {"epochs": 10, "batch_size": 32, "loss": "sparse_categorical_crossentropy"},
    ),
    _preset(
        "baseline-augmented",
        "Baseline with augmentation",
        "Conv 32-64-128, each with pooling and dropout 0.25; flatten; dense 256; dropout 0.5; on turned, "
        "shifted, zoomed and mirrored images.",
        "class folders train/ and validation/",
        None,
        _plain(filters=[32, 64, 128], block_dropout=0.25, dense_units=256, dense_dropout=0.5),
        {"epochs": 50, "batch_size": 64},
        {"flip": True, "rotation": 15, "shift": 0.1, "zoom": 0.1},
    ),
    _weighted("s", [16, 32], 64),
    _weighted("m", [32, 64], 128),
    _weighted("l", [32, 64, 128], 256),
    _preset(
        "baseline-dropout",
        "Baseline with dropout",
        "Conv 3x3 32-64-128 with ReLU, each with 2x2 pooling and dropout 0.25; flatten; dense 512; "
        "dropout 0.5. Early stopping.",
        "class folders",
        None,
        _plain(filters=[32, 64, 128], block_dropout=0.25, dense_units=512, dense_dropout=0.5),
        {"epochs": 30, "batch_size": 64, "early_stopping": 5},
    ),
    _preset(
        "baseline-batchnorm",
        "Baseline with batch normalisation",
        "Conv 3x3 64-128-256, each with batch normalisation, pooling and dropout 0.25; flatten; dense 512 "
        "with batch normalisation and dropout 0.5; on turned, zoomed and mirrored images.",
        "class folders",
        None,
        _plain(
            filters=[64, 128, 256],
            batch_norm=True,
            block_dropout=0.25,
            dense_units=512,
            dense_batch_norm=True,
            dense_dropout=0.5,
        ),
        {"epochs": 30, "batch_size": 64, "learning_rate": 1e-3},
        {"flip": True, "rotation": 20, "zoom": 0.2},
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}


def find_preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises:
        ConfigError: There is none; the message lists all.
    """
    if name not in PRESETS:
        raise ConfigError(f"Unknown preset {name!r}: expected one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def card(preset: Preset) -> dict[str, Any]:
    """Return a preset as JSON values: its claim, its measured figures, and the command that repeats it."""
    measured = _measured(preset.name)
    command = f"python -m fer_core train --data SOURCE --preset {preset.name}"
    if measured and measured["networks"] > 1:
        command = (
            f"{command} --seed N for {measured['networks']} seeds, then "
            f"python -m fer_core bundle{' RUN' * measured['networks']} --data SOURCE --name {preset.name} "
            "--out DIR"
        )
    return {
        "name": preset.name,
        "default": preset.name == DEFAULT_PRESET,
        "title": preset.title,
        "description": preset.description,
        "data_form": preset.data_form,
        "claim": preset.claim,
        "measured": measured,
        "command": command,
        "config": preset.config.model_dump(),
    }


def cards(name: str) -> Iterator[dict[str, Any]]:
    """Yield the cards of a preset that can be read: of the shipped model, then of one whose weights are not
    kept."""
    for path in (MODELS_DIR / name / CARD, MODELS_DIR / "baselines" / f"{name}.json"):
        with contextlib.suppress(OSError, ValueError):
            yield json.loads(path.read_text(encoding="utf-8"))


def _measured(name: str) -> dict[str, Any] | None:
    """Return the figures on PrivateTest from the card of the preset's model, or None if it was not measured.

    For an ensemble, `epochs` are those of one of its `networks`.
    """
    keys = ("accuracy", "accuracy_ci95", "accuracy_without_leaked", "macro_f1", "count", "fingerprint")
    for measured in cards(name):
        with contextlib.suppress(KeyError, TypeError, ValueError):  # a card that lacks what is asked for
            test, training = measured["figures"]["test"], measured["training"]
            networks = measured.get("members") or [measured]
            return {key: test[key] for key in keys} | {
                "networks": len(networks),
                "epochs": max(network["training"]["epochs"] for network in networks),
                "best_epoch": training.get("best_epoch"),
                "truth": test.get("truth", "labels"),
            }
    return None
