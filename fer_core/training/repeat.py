"""The shell command that repeats a run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from ..config import RunConfig
from ..data.votes import FILE_NAME
from ..errors import ConfigError
from ..presets import find_preset

_OPTIONS = ("epochs", "batch_size", "learning_rate", "seed", "precision", "teacher")


def train_command(config: RunConfig, source: str) -> str:
    """The `train` command that repeats a run; what its options do not say stands behind --set."""
    try:
        preset = find_preset(config.preset or "").config
    except ConfigError:
        return "see config: the run began from no preset"
    parts = ["--data", _name(source), "--preset", str(config.preset)]
    if config.data.limit is not None:
        parts += ["--limit", str(config.data.limit)]
    if config.data.votes is not None and _name(config.data.votes) != FILE_NAME:
        parts += ["--votes", _name(config.data.votes)]
    data = {"source": config.data.source, "limit": config.data.limit, "votes": config.data.votes}
    train = {option: getattr(config.train, option) for option in _OPTIONS}
    for option, value in train.items():
        if (value != getattr(preset.train, option) and value is not None) or option == "seed":
            parts += [f"--{option.replace('_', '-')}", _name(value) if option == "teacher" else str(value)]
    by_shell = preset.replace("data", **data).replace("train", **train)
    if config not in (by_shell, _without_votes(by_shell)):
        if config.model.family != by_shell.model.family:
            parts += ["--set", f"model.family={config.model.family}"]
        if config.model.hparams != by_shell.model.hparams:
            parts += ["--set", f"model.hparams={json.dumps(config.model.hparams)}"]
        for path, (value, _) in config.differences(by_shell.replace("model", **config.model.model_dump())).items():
            written = _name(value) if path == "train.start_from" else value if isinstance(value, str) else json.dumps(value)
            parts += ["--set", f"{path}={written}"]
    return "python -m fer_core train " + " ".join(shlex.quote(part) for part in parts)


def _without_votes(config: RunConfig) -> RunConfig:
    """What `settle` makes of settings that learn from votes where there are none."""
    drop = tuple(reason for reason in config.data.drop if reason != "not a face")
    return config.override("train", votes_weight=0.0).override("data", drop=drop) if config.train.output == "labels" else config


def _name(path: str) -> str:
    """Without the folders of the machine."""
    return path if ":" in path or path == "synthetic" else Path(path).name
