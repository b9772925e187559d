"""The command on a card repeats the run."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fer_core.bundles.bundle import MODELS_DIR
from fer_core.cli import _parser
from fer_core.config import RunConfig
from fer_core.machine import describe_machine
from fer_core.presets import PRESETS, find_preset
from fer_core.runs.command import train_command


def repeated(command: str) -> RunConfig:
    """The settings that a `train` command begins with, as the shell reads it."""
    python, m, package, *rest = shlex.split(command)
    assert (python, m, package) == ("python", "-m", "fer_core")
    given = _parser().parse_args(rest)
    data = {"source": given.data, "limit": given.limit, "votes": given.votes}
    train = {
        name: getattr(given, name)
        for name in ("epochs", "batch_size", "learning_rate", "seed", "precision", "teacher")
    }
    return (
        find_preset(given.preset)
        .config.override("data", **data)
        .override("train", **train)
        .with_settings(given.set)
    )


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_is_repeated_by_its_name(name: str) -> None:
    config = PRESETS[name].config.override("data", source="synthetic:70")
    assert repeated(train_command(config, "synthetic:70")) == config


def test_what_the_shell_changed_is_in_the_command() -> None:
    config = PRESETS["standard"].config.override("data", source="my faces.csv", limit=500)
    config = config.override(
        "train", epochs=7, batch_size=32, learning_rate=0.02, seed=3, teacher="my teacher"
    )
    command = train_command(config, "/home/somebody/my faces.csv")
    assert "/home" not in command and repeated(command) == config


def test_on_this_machine_the_command_names_full_paths(tmp_path: Path) -> None:
    (tmp_path / "run" / "bundle").mkdir(parents=True)
    config = PRESETS["standard"].config.override("data", source=str(tmp_path / "faces.csv"))
    config = config.override("train", start_from=str(tmp_path / "run" / "bundle"))
    command = train_command(config, str(tmp_path / "faces.csv"), full_paths=True)
    assert repeated(command).data.source == str(tmp_path / "faces.csv")
    assert repeated(command).train.start_from == str(tmp_path / "run")
    assert str(tmp_path) not in train_command(config, str(tmp_path / "faces.csv"))
    shipped = config.override("train", start_from=str(MODELS_DIR / "tiny"))
    assert repeated(train_command(shipped, "synthetic", full_paths=True)).train.start_from == "tiny"


def test_named_votes_and_a_chosen_precision_are_in_the_command() -> None:
    config = (
        PRESETS["quick"]
        .config.override("data", source="synthetic:70")
        .override("train", precision="mixed_bfloat16")
    )
    assert repeated(train_command(config, "synthetic:70")) == config
    config = PRESETS["standard"].config.override("data", source="fer.csv", votes="votes of mine.csv")
    assert repeated(train_command(config, "fer.csv")).data.votes == "votes of mine.csv"


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("augment", {"rotation": 45.0, "flip": True}),
        ("train", {"weight_decay": 0.1, "optimizer": "sgd"}),
        ("model", {"hparams": {}}),
        ("model", {"family": "blocks", "hparams": {"blocks": [{"type": "flatten"}]}}),
        ("train", {"start_from": "standard", "freeze_until": "features"}),
        ("bundle", {"mirror": True}),
    ],
)
def test_what_has_no_option_of_its_own_is_in_the_command_too(section: str, values: dict) -> None:
    """A run of the Train page may differ from its preset in anything."""
    config = PRESETS["quick"].config.override(section, **values)
    assert repeated(train_command(config, "synthetic")) == config


def test_settings_without_a_preset_have_no_command() -> None:
    assert not train_command(RunConfig(), "synthetic").startswith("python")
    assert not train_command(RunConfig(preset="of a later version"), "synthetic").startswith("python")


def test_a_machine_is_told_in_a_line() -> None:
    machine = describe_machine()
    assert (
        "\n" not in machine
        and "Keras 3." in machine
        and machine.endswith(" on tensorflow")
        and ("cores of" in machine or "GPU" in machine)
    )
