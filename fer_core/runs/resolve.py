"""Resolve the settings that a preset leaves open: the votes beside the data, the teacher, and the machine's
fast number format.

This is done once, and the result is saved in config.json, so that a resumed run cannot differ.
"""

from __future__ import annotations

from ..bundles.bundle import check_has_layers, check_no_ensemble, find_bundle
from ..config import RunConfig
from ..data import open_dataset
from ..data.votes import find_votes
from ..errors import TrainingError
from ..machine import fast_precision
from ..presets import PRESETS
from ..zoo.applications import IMAGENET, check_application
from ..zoo.face_weights import check_tarball, is_tarball
from ..zoo.families import as_blocks
from ..zoo.summary import summary


def resolve(config: RunConfig, *, keep_teacher: bool = False) -> RunConfig:
    """Return `config` with its open settings resolved.

    Without FER+ votes for the data, a run does not use them; and it does not use the teacher of its preset if
    that was trained on other data.

    Args:
        keep_teacher: Keep the teacher of the preset, whatever data it was trained on.

    Raises:
        ConfigError: The settings do not describe a network.
        TrainingError: The run learns only from votes, and there are none.
    """
    summary(as_blocks(config.model))  # an invalid network is reported now, not by the training process
    if config.train.precision == "auto":
        config = config.override("train", precision=fast_precision())
    start = config.train.start_from
    if start == IMAGENET:
        check_application(as_blocks(config.model))
    elif start and is_tarball(start):
        check_tarball(start, config.model.family)
    elif start:
        config = _network_of(config, start)
    if not keep_teacher and teacher_is_unsuitable(config):
        config = config.replace("train", teacher=None)
    if config.train.votes_weight or "not a face" in config.data.drop:
        votes = config.data.votes or find_votes(config.data.source)
        if votes is not None:
            return config.override("data", votes=str(votes))
        if config.train.output == "votes":
            raise TrainingError(
                f"This preset learns FER+ votes, and beside {config.data.source} there is no fer2013new.csv: "
                "put it there or name it with --votes."
            )
        drop = tuple(reason for reason in config.data.drop if reason != "not a face")
        config = config.override("train", votes_weight=0.0).override("data", drop=drop)
    return config


def _network_of(config: RunConfig, model: str) -> RunConfig:
    """Return `config` with the network of the model that it starts from.

    That of a model from elsewhere is not described by its card: the run keeps its own, whose layers must fit.
    """
    bundle = find_bundle(model)
    card = bundle.card
    if card.get("imported"):
        check_has_layers(bundle)
        return config
    check_no_ensemble(card.get("name", model), max(1, len(card.get("members") or [])))
    return config.replace("model", **RunConfig.parse(card.get("config")).model.model_dump())


def teacher_is_unsuitable(config: RunConfig) -> bool:
    """Return whether the teacher is the preset's, and was trained on other data than these."""
    teacher = config.train.teacher
    return (
        teacher is not None
        and teacher == _preset_teacher(config)
        and not _trained_on(teacher, config.data.source)
    )


def _preset_teacher(config: RunConfig) -> str | None:
    preset = PRESETS.get(config.preset or "")
    return preset.config.train.teacher if preset else None


def _trained_on(teacher: str, source: str) -> bool:
    """Return whether the teacher was trained on these data; its answers on others, such as drawn faces, are
    worthless."""
    return find_bundle(teacher).card.get("data", {}).get("fingerprint") == open_dataset(source).fingerprint
