"""Bundle finished runs anew: one with other settings, or several as an ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from ..bundle import CARD, Bundle
from ..card_values import number, part, parts, whole
from ..config import BundleConfig, RunConfig
from ..data.dataset import Dataset
from ..data.votes import Votes
from ..errors import ModelError
from ..export import load_keras
from .bundling import write_bundle
from .graph import networks_of
from .litert import check_converter


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
    """Write the bundle `out` with the networks of `bundles`, whose logits are averaged where there are several.

    Args:
        dataset: what they were trained on; the temperature is fitted on its validation split.
        votes: the FER+ votes for `dataset`, for models that were trained to answer as the voters.
        command: what repeats this, for the card.

    Raises:
        ModelError: they name different classes, have different truths, or were trained on other data; one is named twice; a card
            lacks what the new one needs; `out` holds a bundle, whose figures would be lost; or Keras runs on another backend than
            TensorFlow.
    """
    check_converter()
    if (out / CARD).exists():
        raise ModelError(
            f"{out} holds a model already, and its figures would be lost: name another folder, or delete it first."
        )
    if len({bundle.path.resolve() for bundle in bundles}) < len(bundles):
        raise ModelError("A model is named twice: an average of networks needs different ones.")
    first = bundles[0]
    networks: list[keras.Model] = []
    for bundle in bundles:
        if bundle.labels != first.labels or bundle.card.get("truth") != first.card.get("truth"):
            raise ModelError(
                f"{bundle.name} and {first.name} answer different questions: an ensemble needs the same classes and truth."
            )
        if bundle.card.get("data", {}).get("fingerprint") != dataset.fingerprint:
            raise ModelError(
                f"{bundle.name} was trained on other data than {dataset.source}: name the data it was trained on with --data."
            )
        _check_card(bundle)
        found = networks_of(load_keras(bundle))
        if not found:
            raise ModelError(f"{bundle.name} was written by an older version: train it anew.")
        networks += found
    chosen = dataset.labelled_indices("validation")
    labels = dataset.labels[chosen].astype(int)
    if first.card.get("truth") == "votes":
        if votes is None:
            raise ModelError(f"{first.name} answers as FER+ voters do: name their votes with --votes.")
        chosen, labels = votes.agreed(chosen)
    config = RunConfig.parse(part(first.card, "config") | {"bundle": settings.model_dump()})
    members = [member for bundle in bundles for member in parts(bundle.card, "members") or [_member(bundle)]]
    write_bundle(
        out,
        networks,
        name=name,
        config=config,
        dataset=dataset,
        training=_training(bundles),
        command=command,
        validation=(dataset.images[chosen], labels),
        members=members if len(members) > 1 else None,
    )


def _check_card(bundle: Bundle) -> None:
    """Raises:
    ModelError: the card does not say how the model was trained, which that of a bundle made of it repeats.
    """
    training, config = part(bundle.card, "training"), part(bundle.card, "config")
    known = {
        "training.epochs": whole(training.get("epochs")),
        "training.seconds": number(training.get("seconds")),
        "training.train_images": whole(training.get("train_images")),
        "training.machine": training.get("machine") if isinstance(training.get("machine"), str) else None,
        "config.train.seed": whole(part(config, "train").get("seed")),
        "figures.validation.accuracy": number(
            part(part(bundle.card, "figures"), "validation").get("accuracy")
        ),
    }
    missing = [name for name, value in known.items() if value is None]
    if missing:
        raise ModelError(
            f"The card of {bundle.path} lacks {', '.join(missing)}: name a model that fer_core trained."
        )


def _member(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "preset": bundle.card.get("preset"),
        "seed": bundle.card["config"]["train"]["seed"],
        "training": bundle.card["training"],
        "validation_accuracy": bundle.card["figures"]["validation"]["accuracy"],
        "command": bundle.card.get("command"),
    }


def _training(bundles: list[Bundle]) -> dict[str, Any]:
    """Of one network as it was; of an ensemble what its networks took together."""
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
