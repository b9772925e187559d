"""A sweep on disk: many runs of one preset with settings drawn from a search space.

sweep.json       the SweepConfig
study.journal    Optuna's own storage, unless that is a database
claims/          the lock of each trial, held by the process that carries it out
status.json, stop, lock, log.txt   as in a run folder
The runs stand beside it as run folders of their own, called NAME-001, NAME-002 ...
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..config import RunConfig
from ..errors import ConfigError, TrainingError
from ..hosting import quotas
from ..process_folder import FolderTakenError, ProcessFolder, unused_path
from ..storage import write_new

_LONGEST_RANGE = 200  # characters
_RANGE = re.compile(r"^\s*([-+.\deE]+)\s*\.\.\s*([-+.\deE]+)\s*(?::\s*(\S+)\s*)?$")


class Dimension(BaseModel):
    """The values that a setting may take: a list, or a range."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    choices: tuple[bool | int | float | str | None, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = Field(None, gt=0)
    whole: bool = False  # whole numbers only

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.choices and not self.low < self.high:
            raise ValueError("the range is empty")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError("a logarithmic range begins above 0 and has no step")
        return self

    @classmethod
    def parse(cls, text: str) -> Dimension:
        """Parse a search range.

        Args:
            text: A list "16, 32, 64", a range "0..20", one in steps "0..20:5", or a logarithmic one
                "1e-4..1e-1:log".

        Raises:
            ConfigError: The text has none of these forms.
        """
        expected = "expected a list such as 16,32,64, or a range such as 0..20, 0..20:5 or 1e-4..1e-1:log"
        match = _RANGE.match(text) if len(text) <= _LONGEST_RANGE else None  # it would take too long
        if not match:
            words = [word.strip() for word in text.split(",")]
            if len(words) < 2 or not all(words) or ".." in text:
                raise ConfigError(f"Search range {text!r}: {expected}.")
            return cls(choices=tuple(_value(word) for word in words))
        low, high, mode = match.groups()
        try:
            whole = all(re.fullmatch(r"[-+]?\d+", part) for part in (low, high))
            step = None if mode in (None, "log") else float(mode)
            return cls(
                low=float(low),
                high=float(high),
                log=mode == "log",
                step=step,
                whole=whole and (step is None or step.is_integer()),
            )
        except ValidationError as error:
            raise ConfigError(
                f"Search range {text!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}; "
                f"{expected}."
            ) from None
        except ValueError:
            raise ConfigError(f"Search range {text!r}: {expected}.") from None

    def ends(self) -> tuple[Any, ...]:
        """Return values that must fit the setting for all to fit."""
        if self.choices:
            return self.choices
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)


def _value(word: str) -> Any:
    try:
        value = json.loads(word)
    except ValueError:
        return word
    return value if isinstance(value, bool | int | float) or value is None else word


class SweepConfig(BaseModel):
    """What a sweep searches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: RunConfig
    space: dict[str, Dimension] = Field(
        min_length=1, description="The settings that vary, by path such as train.learning_rate."
    )
    trials: int = Field(20, ge=1, le=1000, description="Number of runs.")
    pruner: Literal["median", "hyperband", "none"] = Field(
        "median",
        description="When to stop a run early: below the median of the others at the same epoch, "
        "by Hyperband's halving, or never.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the sampler.")
    storage: str | None = Field(
        None, description="URL of the database that holds the study; None for a journal file in the folder."
    )
    study: str | None = Field(
        None, description="The study's name there, where the folder's own might be taken."
    )

    @classmethod
    def make(cls, base: RunConfig, space: dict[str, str], **more: Any) -> SweepConfig:
        """Make a sweep's settings from search ranges, each checked on `base`.

        Raises:
            ConfigError: A range cannot be read, or its values do not fit the setting.
        """
        dimensions = {path: Dimension.parse(text) for path, text in space.items()}
        for path, dimension in dimensions.items():
            if path.startswith("data."):
                raise ConfigError(f"{path} cannot be searched: runs on other data cannot be compared.")
            for value in dimension.ends():
                base.with_setting(path, value)
        try:
            return cls(base=base, space=dimensions, **more)
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigError(f"Sweep setting {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


@dataclass(frozen=True)
class SweepFolder(ProcessFolder):
    """Paths and records of one sweep."""

    @property
    def journal(self) -> Path:
        return self.path / "study.journal"

    def exists(self) -> bool:
        return (self.path / "sweep.json").is_file()

    def create(self, config: SweepConfig) -> None:
        """Make the folder of a new sweep.

        Raises:
            TrainingError: There is a sweep already, or the folder cannot be written.
            FerError: The sweep exceeds a visitor's quota.
        """
        with quotas.new_runs(self.path, config.base, config.trials):
            try:
                if (self.path / "config.json").exists():
                    raise FileExistsError
                self.path.mkdir(parents=True, exist_ok=True)
                write_new(self.path / "sweep.json", (config.model_dump_json(indent=1) + "\n").encode())
                self.write_status("starting")
            except FileExistsError:
                raise FolderTakenError(
                    f"{self.path} holds a sweep or run already: name another folder."
                ) from None
            except OSError as error:
                raise TrainingError(
                    f"The sweep folder {self.path} cannot be written: {error.strerror}."
                ) from None

    def config(self) -> SweepConfig:
        """Read the settings of the sweep.

        Raises:
            TrainingError: The folder has no valid sweep.
        """
        try:
            return SweepConfig.model_validate_json((self.path / "sweep.json").read_bytes())
        except (OSError, ValidationError):
            raise TrainingError(
                f"{self.path} is not a sweep: expected a folder with a valid sweep.json."
            ) from None

    def run_path(self, trial: int) -> Path:
        """Return the folder of the run of a trial, counted from 0."""
        return self.path.parent / f"{self.name}-{trial + 1:03}"


def list_sweeps(parent: Path) -> list[SweepFolder]:
    """List the sweeps below `parent`, newest first."""
    if not parent.is_dir():
        return []
    sweeps = [SweepFolder(path) for path in parent.iterdir() if (path / "sweep.json").is_file()]
    return sorted(sweeps, key=lambda sweep: sweep.status()["started"], reverse=True)


def create_sweep(parent: Path, config: SweepConfig) -> SweepFolder:
    """Create a sweep below `parent`, named after the time and the preset.

    Raises:
        TrainingError: As for `SweepFolder.create`.
    """
    while True:
        sweep = SweepFolder(unused_path(parent, f"sweep-{config.base.preset or 'run'}"))
        with contextlib.suppress(FolderTakenError):  # another process took the name at this moment
            sweep.create(config)
            return sweep
