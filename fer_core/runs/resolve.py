"""What a preset leaves open until a run begins: the votes beside the data, and the number format that the machine is fast in.

It is settled once and stands in the run's config.json, so that a resumed run cannot differ from the one that began.
"""

from __future__ import annotations

from pathlib import Path

from ..bundle import find_bundle
from ..config import RunConfig
from ..data import open_dataset
from ..data.votes import find_votes
from ..errors import TrainingError
from ..presets import PRESETS
from ..zoo.equivalents import as_blocks
from ..zoo.summary import summary

_FAST_BFLOAT16 = {"avx512_bf16", "amx_bf16"}


def settle(config: RunConfig, *, keep_teacher: bool = False) -> RunConfig:
    """`config` with its open choices made.

    Where there are no FER+ votes for the data, a run does without what they are for; and without the teacher that its preset names
    where that one was trained on other data.

    Args:
        keep_teacher: the teacher was chosen by whoever starts the run, even if it is the one that the preset names.

    Raises:
        ConfigError: the settings describe no network.
        TrainingError: the run is to learn nothing but votes, and there are none.
    """
    summary(
        as_blocks(config.model)
    )  # says now, not in the training process, that a network does not fit together
    if config.train.precision == "auto":
        config = config.override("train", precision=fast_precision())
    if config.train.start_from:
        config = _network_of(config, config.train.start_from)
    if not keep_teacher and lacks_teacher(config):
        config = config.replace("train", teacher=None)
    if config.train.votes_weight or "not a face" in config.data.drop:
        votes = config.data.votes or find_votes(config.data.source)
        if votes is not None:
            return config.override("data", votes=str(votes))
        if config.train.output == "votes":
            raise TrainingError(
                f"This preset learns FER+ votes, and beside {config.data.source} there is no fer2013new.csv: put it there or name it with --votes."
            )
        drop = tuple(reason for reason in config.data.drop if reason != "not a face")
        config = config.override("train", votes_weight=0.0).override("data", drop=drop)
    return config


def _network_of(config: RunConfig, model: str) -> RunConfig:
    """`config` with the network of the model that it starts from."""
    card = find_bundle(model).card
    if len(card.get("members") or []) > 1:
        raise TrainingError(
            f"{card['name']} is an ensemble of {len(card['members'])} networks: start from a model that is one network."
        )
    return config.replace("model", **RunConfig.parse(card.get("config")).model.model_dump())


def lacks_teacher(config: RunConfig) -> bool:
    """Whether the teacher is the one that the preset names, and was trained on other data than these."""
    teacher = config.train.teacher
    return (
        teacher is not None and teacher == _preset_teacher(config) and not _knows(teacher, config.data.source)
    )


def _preset_teacher(config: RunConfig) -> str | None:
    preset = PRESETS.get(config.preset or "")
    return preset.config.train.teacher if preset else None


def _knows(teacher: str, source: str) -> bool:
    """Whether the teacher was trained on these data: of others, such as drawn faces, what it says is worth nothing."""
    return find_bundle(teacher).card.get("data", {}).get("fingerprint") == open_dataset(source).fingerprint


def fast_precision() -> str:
    """bfloat16 where a GPU or instructions of the processor make it faster than float32 (measured 1.3 times on a Zen 4)."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:  # not Linux
        flags = set()
    return "mixed_bfloat16" if flags & _FAST_BFLOAT16 or Path("/dev/nvidia0").exists() else "float32"
