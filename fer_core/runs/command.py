"""The shell command that repeats a run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from ..bundles.bundle import MODELS_DIR, own_models_dir
from ..config import RunConfig
from ..data.votes import FILE_NAME
from ..errors import ConfigError
from ..presets import find_preset

_OPTIONS = ("epochs", "batch_size", "learning_rate", "seed", "precision", "teacher")


def train_command(config: RunConfig, source: str, full_paths: bool = False) -> str:
    """Return the `train` command that repeats a run; --set gives what its other options cannot.

    Args:
        config: The settings of the run.
        source: The data.
        full_paths: Write full paths, so that the command runs on this machine as it stands; a card, which
            goes to others, has names only.
    """
    named = str if full_paths else _name
    model_path = path_here if full_paths else repeatable_path
    try:
        preset = find_preset(config.preset or "").config
    except ConfigError:
        return "see config: the run began from no preset"
    parts = ["--data", named(source), "--preset", str(config.preset)]
    if config.data.limit is not None:
        parts += ["--limit", str(config.data.limit)]
    if config.data.votes is not None and _name(config.data.votes) != FILE_NAME:
        parts += ["--votes", named(config.data.votes)]
    data = {"source": config.data.source, "limit": config.data.limit, "votes": config.data.votes}
    train = {option: getattr(config.train, option) for option in _OPTIONS}
    for option, value in train.items():
        # A teacher that is not named is left out where it was trained on other data, one that is named never.
        if value is not None and (value != getattr(preset.train, option) or option in ("seed", "teacher")):
            parts += [
                f"--{option.replace('_', '-')}",
                model_path(value) if option == "teacher" else str(value),
            ]
    by_shell = preset.replace("data", **data).replace("train", **train)
    if config not in (by_shell, _without_votes(by_shell)):
        if config.model.family != by_shell.model.family:
            parts += ["--set", f"model.family={config.model.family}"]
        if config.model.hparams != by_shell.model.hparams:
            parts += ["--set", f"model.hparams={json.dumps(config.model.hparams)}"]
        for path, (value, _) in config.differences(
            by_shell.replace("model", **config.model.model_dump())
        ).items():
            written = (
                model_path(value)
                if path == "train.start_from"
                else value
                if isinstance(value, str)
                else json.dumps(value)
            )
            parts += ["--set", f"{path}={written}"]
    return "python -m fer_core train " + " ".join(shlex.quote(part) for part in parts)


def _without_votes(config: RunConfig) -> RunConfig:
    """Return what `resolve` makes of settings that learn from votes where there are none."""
    drop = tuple(reason for reason in config.data.drop if reason != "not a face")
    return (
        config.override("train", votes_weight=0.0).override("data", drop=drop)
        if config.train.output == "labels"
        else config
    )


def repeatable_path(model: str) -> str:
    """Return a model's name, or its path below the current folder; never the folders of the machine."""
    path = Path(model).resolve()
    path = path.parent if path.name == "bundle" else path  # a run's folder means its model
    if not path.exists() or path.parent in (MODELS_DIR, own_models_dir()):
        return _name(model)
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.name


def path_here(model: str) -> str:
    """Return a model's name where the shell finds it by that, else its full path on this machine."""
    path = Path(model).resolve()
    path = path.parent if path.name == "bundle" else path  # a run's folder means its model
    return path.name if path.parent in (MODELS_DIR, own_models_dir()) or not path.exists() else str(path)


def _name(path: str) -> str:
    """Return a path without the folders of the machine."""
    return path if ":" in path.partition("?")[0] or path == "synthetic" else Path(path).name
