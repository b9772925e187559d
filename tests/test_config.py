"""Settings are validated, and survive JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_core.config import RunConfig
from fer_core.errors import ConfigError
from fer_core.presets import PRESETS, find_preset


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_survive_json(name: str, tmp_path: Path) -> None:
    config = PRESETS[name].config
    config.save(tmp_path / "config.json")
    assert RunConfig.load(tmp_path / "config.json") == config


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("train", {"epochs": 0}, r"train\.epochs.*Received: 0"),
        ("train", {"learning_rate": -1.0}, r"train\.learning_rate"),
        ("train", {"optimizer": "lion"}, r"train\.optimizer.*'adam' or 'sgd'"),
        ("train", {"epoch": 3}, r"train\.epoch.*Received: 3"),
        ("augment", {"rotation": 120}, r"augment\.rotation"),
        ("data", {"limit": 3}, r"data\.limit"),
    ],
)
def test_bad_settings_are_one_sentence(section: str, values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        PRESETS["standard"].config.override(section, **values)
    assert "\n" not in str(caught.value)


def test_settings_that_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="label_smoothing needs"):
        PRESETS["baseline-deep"].config.override("train", label_smoothing=0.1)
    with pytest.raises(ConfigError, match="mixup needs"):
        PRESETS["baseline-deep"].config.override("augment", mixup=0.2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"output": "votes"}, "output votes needs a votes_weight"),
        (
            {"votes_weight": 1.0, "loss": "sparse_categorical_crossentropy"},
            "votes_weight need loss categorical",
        ),
        ({"teacher": "best", "loss": "sparse_categorical_crossentropy"}, "teacher and votes_weight need"),
        ({"teacher_weight": 1.5}, "teacher_weight"),
        ({"precision": "float64"}, "precision.*'auto'"),
        ({"keep": "first"}, "keep"),
    ],
)
def test_votes_and_teachers_that_do_not_fit(values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RunConfig().override("train", **values)


@pytest.mark.parametrize(
    ("section", "values"), [("data", {"drop": ["sad"]}), ("bundle", {"quantisation": "int4"})]
)
def test_what_is_dropped_and_how_weights_are_kept_is_one_of_few(section: str, values: dict) -> None:
    with pytest.raises(ConfigError, match=f"{section}\\.{next(iter(values))}"):
        RunConfig().override(section, **values)


def test_a_configuration_of_before_these_settings_is_read(tmp_path: Path) -> None:
    """Runs and cards of earlier versions lack the newer ones."""
    (tmp_path / "config.json").write_text(
        '{"preset": "residual", "data": {"source": "synthetic"}, "train": {"epochs": 3}}'
    )
    config = RunConfig.load(tmp_path / "config.json")
    assert (
        config.train.output == "labels"
        and not config.train.votes_weight
        and not config.data.drop
        and not config.bundle.mirror
    )


def test_unknown_preset_names_all() -> None:
    with pytest.raises(
        ConfigError, match="standard, tiny, best, ferplus, transfer, imagenet, quick, baseline-deep"
    ):
        find_preset("resnet")


def test_damaged_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        RunConfig.load(tmp_path / "config.json")
