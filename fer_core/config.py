"""What defines a training run: data, network, augmentation and training settings, validated, to and from
JSON.

Each field says in one line what it does; the Train page shows the same line.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import ConfigError
from .foreign_json import MAX_PATH, read_json
from .storage import write_atomically

MAX_EPOCHS = 10_000

# Of a file or folder, or the name of a model.
_Path = Annotated[str, Field(max_length=MAX_PATH, pattern=r"^[^\x00]*$")]
Quantisation = Literal["none", "float16", "int8"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(_Settings):
    """Settings of the data."""

    source: _Path = Field(
        "synthetic",
        description="Where the images come from: a file, a folder, "
        "synthetic[:N[:SEED]] or kaggle:OWNER/NAME.",
    )
    limit: int | None = Field(
        None, ge=7, description="At most this many images of each split, drawn with the share of each class."
    )
    votes: _Path | None = Field(
        None, description="The FER+ votes for these images (fer2013new.csv); by default the file beside them."
    )
    fold: str | None = Field(
        None,
        pattern=r"^\d+/\d+$",
        description="Leave fold i of k out of the training images, as in 0/3: for cross-validation.",
    )
    drop: tuple[Literal["leaked", "not a face"], ...] = Field(
        (),
        description="Training images to leave out: copies of validation and test images; "
        "what half of the FER+ voters call no face.",
    )


class ModelConfig(_Settings):
    """Settings of the network."""

    family: str = Field("residual", description="The family in fer_core.zoo that builds the network.")
    hparams: dict[str, Any] = Field(
        default_factory=dict, description="The sizes of the network, as its family takes them."
    )


class AugmentConfig(_Settings):
    """Random changes of each training image, drawn again in each epoch; 0 switches one off."""

    flip: bool = Field(False, description="Mirror half of the images left to right.")
    rotation: float = Field(0.0, ge=0, le=90, description="Turn by up to this many degrees either way.")
    shift: float = Field(0.0, ge=0, le=0.5, description="Move by up to this share of the width and height.")
    zoom: float = Field(0.0, ge=0, lt=0.9, description="Scale by a factor between 1 minus and 1 plus this.")
    contrast: float = Field(
        0.0, ge=0, lt=1, description="Multiply the contrast by a factor between 1 minus and 1 plus this."
    )
    brightness: float = Field(
        0.0, ge=0, lt=1, description="Shift the brightness by up to this share of the full range."
    )
    gamma: float = Field(
        0.0, ge=0, le=3, description="Raise the brightness to a power between 1 / (1 + this) and 1 + this."
    )
    blur: float = Field(
        0.0, ge=0, le=5, description="Blur half of the images, with a Gaussian of up to this many pixels."
    )
    low_resolution: float = Field(
        0.0, ge=0, lt=1, description="Shrink half of the images by up to this share and enlarge them again."
    )
    jpeg: int = Field(
        0,
        ge=0,
        le=95,
        description="Compress half of the images as JPEG, with a quality between 100 minus this and 100.",
    )
    erase: float = Field(
        0.0, ge=0, le=1, description="Chance that a random rectangle of an image is overwritten with noise."
    )
    mixup: float = Field(
        0.0,
        ge=0,
        le=2,
        description="Blend pairs of images and labels; the alpha of mixup's Beta distribution.",
    )

    @property
    def active(self) -> bool:
        return self != AugmentConfig()


class TrainConfig(_Settings):
    """Settings of the training."""

    epochs: int = Field(60, ge=1, le=MAX_EPOCHS, description="How many times every training image is seen.")
    batch_size: int = Field(128, ge=1, le=4096, description="Images per optimizer step.")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="Adam, or SGD with Nesterov momentum 0.9.")
    learning_rate: float = Field(1e-3, gt=0, le=10, description="The (highest) step size of the optimizer.")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="Keep the learning rate, or let it fall along a cosine to zero."
    )
    warmup_epochs: int = Field(
        0, ge=0, le=100, description="Epochs over which the learning rate rises to its value."
    )
    head_epochs: int = Field(
        0,
        ge=0,
        le=100,
        description="Epochs at the start in which only the outputs learn, on the features that they start "
        "from.",
    )
    weight_decay: float = Field(
        0.0, ge=0, lt=1, description="Weight decay, not applied to biases and normalisation."
    )
    loss: Literal["sparse_categorical_crossentropy", "categorical_crossentropy"] = Field(
        "categorical_crossentropy", description="Cross-entropy with labels as numbers (sparse) or one-hot."
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of each one-hot label that is spread over all classes."
    )
    class_weight: Literal["none", "balanced"] = Field(
        "none", description="Balanced: rare classes weigh more, in inverse proportion to their count."
    )
    early_stopping: int = Field(
        0,
        ge=0,
        le=1000,
        description="Stop after this many epochs without a better validation accuracy; 0 turns it off.",
    )
    votes_weight: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Weight of a second output's loss, which learns how the FER+ voters voted; 0 is off.",
    )
    output: Literal["labels", "votes"] = Field(
        "labels",
        description="Which output is validated and put into the bundle: the one for the labels or the one "
        "for the votes.",
    )
    teacher: _Path | None = Field(
        None, description="A model whose probabilities are part of the targets (distillation)."
    )
    teacher_weight: float = Field(
        0.5, ge=0, le=1, description="The share of the teacher's probabilities in the targets."
    )
    start_from: _Path | None = Field(
        None,
        description="A model whose weights the run starts from (fine-tuning): a shipped name, "
        "a bundle folder or a run folder; `imagenet` for the family application.",
    )
    freeze_until: str | None = Field(
        None,
        description="The layers of that model up to this one keep their weights; `features` leaves only the "
        "classifier to learn.",
    )
    keep: Literal["best", "last"] = Field(
        "best",
        description="Keep the weights of the epoch with the best validation accuracy, "
        "or those of the last one.",
    )
    average: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Momentum, per epoch, of a moving average of the weights, which is what is validated and "
        "kept; 0 is off.",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = Field(
        "float32",
        description="Number format of the computation; auto takes bfloat16 where the machine is faster in "
        "it.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Random seed: the same seed gives the same run.")

    @property
    def integer_labels(self) -> bool:
        """Return whether the loss takes labels as numbers rather than as probabilities of each class."""
        return self.loss == "sparse_categorical_crossentropy"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.label_smoothing and self.integer_labels:
            raise ValueError("label_smoothing needs loss categorical_crossentropy")
        if (self.teacher or self.votes_weight) and self.integer_labels:
            raise ValueError("teacher and votes_weight need loss categorical_crossentropy")
        if self.freeze_until and not self.start_from:
            raise ValueError("freeze_until needs a model to start_from")
        if self.output == "votes" and not self.votes_weight:
            raise ValueError("output votes needs a votes_weight above 0")
        return self


class BundleConfig(_Settings):
    """How the trained network is put into its bundle."""

    mirror: bool = Field(
        False,
        description="Average over each image and its mirror image, inside the model; costs twice the time.",
    )
    zoom: bool = Field(
        False,
        description="Average over the enlarged middle of each image too, inside the model; "
        "costs twice the time.",
    )
    quantisation: Quantisation = Field(
        "none",
        description="Weights of the inference file: float32 (none), float16, or int8, "
        "which is also the fastest. With either, the Keras file's weights are rounded to 8 bits of mantissa.",
    )


class RunConfig(_Settings):
    """Everything that a training run needs to be repeated."""

    preset: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="The preset it started from."
    )
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    augment: AugmentConfig = AugmentConfig()
    train: TrainConfig = TrainConfig()
    bundle: BundleConfig = BundleConfig()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.augment.mixup and self.train.integer_labels:
            raise ValueError("augment.mixup needs loss categorical_crossentropy")
        return self

    @classmethod
    def parse(cls, data: Any) -> RunConfig:
        """Parse a configuration from plain dicts.

        Raises:
            ConfigError: A setting is unknown, of the wrong type or out of its range.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the configuration"
            received = textwrap.shorten(repr(first["input"]), 200, placeholder=" ...")
            raise ConfigError(f"Setting {where[:100]}: {first['msg']}. Received: {received}.") from None

    @classmethod
    def load(cls, path: Path) -> RunConfig:
        """Read a JSON file written by `save`.

        Raises:
            ConfigError: The file is missing, is not JSON, or is not a valid configuration.
        """
        try:
            return cls.parse(read_json(path))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read as a run's configuration: {error}.") from None

    def save(self, path: Path) -> None:
        write_atomically(path, self.as_text())

    def as_text(self) -> bytes:
        """Return the content of the file that `load` reads."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    def replace(self, section: str, **values: Any) -> RunConfig:
        """Return a copy with these values in `section`, validated again."""
        data = self.model_dump()
        data[section] = data[section] | values
        return RunConfig.parse(data)

    def with_setting(self, path: str, value: Any) -> RunConfig:
        """Return a copy with one setting replaced.

        Args:
            path: Names the setting: "train.epochs", "augment.flip", "model.hparams.width".
            value: The new value.

        Raises:
            ConfigError: There is no such setting, or the value does not fit it.
        """
        section, _, name = path.partition(".")
        name, _, inner = name.partition(".")
        sections = type(self).model_fields
        if section not in sections or section == "preset" or not name or (inner and name != "hparams"):
            raise ConfigError(
                f"Unknown setting {path!r}: expected SECTION.NAME with one of the sections "
                f"{', '.join(list(sections)[1:])}."
            )
        if inner:
            value = {**self.model.hparams, inner: value}
        return self.replace(section, **{name: value})

    def with_settings(self, assignments: Iterable[str]) -> RunConfig:
        """Return a copy with settings as the shell writes them.

        Args:
            assignments: "train.optimizer=sgd", "augment.flip=true"; values are JSON or plain words.

        Raises:
            ConfigError: As for `with_setting`, or there is no "=".
        """
        config = self
        for assignment in assignments:
            path, equals, text = assignment.partition("=")
            if not equals:
                raise ConfigError(
                    f"Setting {assignment!r}: expected SECTION.NAME=VALUE, such as train.optimizer=sgd."
                )
            try:
                value = json.loads(text)
            except ValueError:
                value = text
            config = config.with_setting(path.strip(), value)
        return config

    def setting(self, path: str) -> Any:
        """Return the value of the setting at `path`; None for a size of the network that is left to its
        family."""
        section, _, name = path.partition(".")
        name, _, inner = name.partition(".")
        value = getattr(getattr(self, section), name)
        return value.get(inner) if inner else value

    def differences(self, other: RunConfig) -> dict[str, tuple[Any, Any]]:
        """Return the settings in which two configurations differ, by path: (own value, value of the
        other)."""
        paths: dict[str, None] = {}
        for config in (self, other):
            for section in list(type(self).model_fields)[1:]:
                for name in type(getattr(config, section)).model_fields:
                    paths |= (
                        {f"{section}.{name}": None}
                        if name != "hparams"
                        else {f"model.hparams.{key}": None for key in config.model.hparams}
                    )
        pairs = {path: (self.setting(path), other.setting(path)) for path in paths}
        return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}

    def override(self, section: str, **values: Any) -> RunConfig:
        """Return a copy with these values in `section`; None leaves a value as it is."""
        return self.replace(section, **{key: value for key, value in values.items() if value is not None})
