"""Rebuild a bundle from finished runs, or combine several into an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from ..config import BundleConfig, RunConfig
from ..data.dataset import Dataset
from ..data.vote_counts import Votes
from ..errors import ModelError
from .bundle import CARD, Bundle
from .card_values import as_dict, as_dicts, as_float, as_int
from .export import load_keras
from .first_weights import first_weights_of
from .graph import networks_of
from .litert import check_converter
from .write import TrainedNetworks, write_bundle


def assemble(
    bundles: list[Bundle],
    dataset: Dataset,
    out: Path,
    *,
    name: str,
    settings: BundleConfig,
    votes: Votes | None = None,
    command: str = "",
) -> None:
    """Write the bundle `out` with the networks of `bundles`, whose logits are averaged where there are
    several.

    Args:
        dataset: The training data; the temperature is fitted on its validation split.
        votes: The FER+ votes for `dataset`, for models that were trained on votes.
        command: The shell command of this call, for the card.

    Raises:
        ModelError: The models have different classes or truths, or were trained on other data; one is named
            twice; a card lacks a value; `out` contains a bundle, whose figures would be lost; or Keras runs
            on another backend than TensorFlow.
    """
    check_converter()
    if (out / CARD).exists():
        raise ModelError(
            f"{out} holds a model already, and its figures would be lost: name another folder, "
            "or delete it first."
        )
    if len({bundle.path.resolve() for bundle in bundles}) < len(bundles):
        raise ModelError("A model is named twice: an average of networks needs different ones.")
    first = bundles[0]
    networks: list[keras.Model] = []
    for bundle in bundles:
        if bundle.labels != first.labels or bundle.card.get("truth") != first.card.get("truth"):
            raise ModelError(
                f"{bundle.name} and {first.name} answer different questions: an ensemble needs the same "
                "classes and truth."
            )
        if bundle.card.get("data", {}).get("fingerprint") != dataset.fingerprint:
            raise ModelError(
                f"{bundle.name} was trained on other data than {dataset.source}: "
                "name the data it was trained on with --data."
            )
        _check_card(bundle)
        own_networks = networks_of(load_keras(bundle))
        if not own_networks:
            raise ModelError(f"{bundle.name} was written by an older version: train it again.")
        networks += own_networks
    chosen = dataset.labelled_indices("validation")
    labels = dataset.labels[chosen].astype(int)
    if first.card.get("truth") == "votes":
        if votes is None:
            raise ModelError(f"{first.name} answers as FER+ voters do: name their votes with --votes.")
        chosen, labels = votes.agreed(chosen)
    config = RunConfig.parse(as_dict(first.card, "config") | {"bundle": settings.model_dump()})
    members = members_of(bundles)
    trained = TrainedNetworks(
        networks,
        config,
        dataset,
        training_of(bundles),
        command,
        members if len(members) > 1 else [],
        first_weights_of(bundles),
    )
    write_bundle(out, name, trained, dataset.images[chosen], labels)


def _check_card(bundle: Bundle) -> None:
    """Check that a card describes the training, which the card of the new bundle repeats.

    Raises:
        ModelError: The card lacks a value.
    """
    training, config = as_dict(bundle.card, "training"), as_dict(bundle.card, "config")
    values = {
        "training.epochs": as_int(training.get("epochs")),
        "training.seconds": as_float(training.get("seconds")),
        "training.train_images": as_int(training.get("train_images")),
        "training.machine": training.get("machine") if isinstance(training.get("machine"), str) else None,
        "config.train.seed": as_int(as_dict(config, "train").get("seed")),
        "figures.validation.accuracy": as_float(
            as_dict(as_dict(bundle.card, "figures"), "validation").get("accuracy")
        ),
    }
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ModelError(
            f"The card of {bundle.path} lacks {', '.join(missing)}: name a model that fer_core trained."
        )


def members_of(bundles: Sequence[Bundle]) -> list[dict[str, Any]]:
    """Return the entries of an ensemble's card, one for each network."""
    return [member for bundle in bundles for member in as_dicts(bundle.card, "members") or [_member(bundle)]]


def _member(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "preset": bundle.card.get("preset"),
        "seed": bundle.card["config"]["train"]["seed"],
        "training": bundle.card["training"],
        "validation_accuracy": bundle.card["figures"]["validation"]["accuracy"],
        "command": bundle.card.get("command"),
    }


def training_of(bundles: Sequence[Bundle]) -> dict[str, Any]:
    """Return the training of one network, or the sums and maxima over the networks of an ensemble."""
    parts = [bundle.card["training"] for bundle in bundles]
    if len(parts) == 1:
        return parts[0]
    return {
        "epochs": sum(part["epochs"] for part in parts),
        "seconds": sum(part["seconds"] for part in parts),
        "train_images": max(part["train_images"] for part in parts),
        "machine": ", ".join(dict.fromkeys(part["machine"] for part in parts)),
        "history": [],
    }
