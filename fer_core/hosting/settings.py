"""Settings of a hosted app and its limits per visitor, from the environment or the app's secrets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import ConfigError

SWITCH = "FER_HOSTED"  # the settings are FER_HOSTED_EPOCHS and so on
_ON, _OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def _limit(default: int, low: int, high: int, about: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "about": about})


@dataclass(frozen=True)
class HostingSettings:
    """Limits of a hosted app.

    Raises:
        ConfigError: A limit is not a whole number in its range.
    """

    runs_per_visitor: int = _limit(
        6, 1, 1000, "training runs that a visitor may keep, including waiting ones"
    )
    running_at_once: int = _limit(1, 1, 64, "runs that train at the same time, of all visitors together")
    epochs: int = _limit(30, 1, 10_000, "epochs of a run")
    minutes: int = _limit(20, 1, 100_000, "minutes that a run may take, pauses included")
    visitor_mb: int = _limit(300, 10, 1_000_000, "MB on disk for the runs, uploads and models of a visitor")
    total_mb: int = _limit(3000, 10, 100_000_000, "MB on disk for those of all visitors together")
    upload_mb: int = _limit(50, 1, 2000, "MB of an uploaded file")
    faces: int = _limit(40_000, 70, 10_000_000, "faces of a data set that a visitor uploads or has drawn")
    days: int = _limit(7, 1, 3650, "days after the last visit that a visitor's things are kept")
    memory_mb: int = _limit(
        0, 0, 100_000_000, "MB of memory of app and runs together; 0 takes the limit of the system"
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            value, (low, high) = getattr(self, one.name), (one.metadata["low"], one.metadata["high"])
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(
                    f"Hosting setting {one.name}: expected a whole number from {low} to {high}, got "
                    f"{value!r}."
                )

    @classmethod
    def read(cls, environment: Mapping[str, str], secrets: Mapping[str, Any]) -> HostingSettings | None:
        """Read the settings of a hosted app, or return None if it is not hosted.

        The environment overrides single secrets.

        Args:
            environment: FER_HOSTED=1 and FER_HOSTED_EPOCHS=30 and so on.
            secrets: `enabled = true` and `epochs = 30` and so on, the table [hosting] of the app's secrets.

        Raises:
            ConfigError: A name is unknown, or a value is invalid. Then the app must not open as if it were
                local.
        """
        if not _switched_on(environment, secrets):
            return None
        limits = {name: value for name, value in secrets.items() if name != "enabled"}
        for name, text in environment.items():
            if name.startswith(f"{SWITCH}_") and text.strip():
                limits[name.removeprefix(f"{SWITCH}_").lower()] = _number(text)
        names = [one.name for one in fields(cls)]
        if unknown := sorted(set(limits) - set(names)):
            raise ConfigError(f"Unknown hosting setting {unknown[0]!r}: expected some of {', '.join(names)}.")
        return cls(**limits)

    def as_json(self) -> dict[str, int]:
        return dataclasses.asdict(self)


def _switched_on(environment: Mapping[str, str], secrets: Mapping[str, Any]) -> bool:
    text = environment.get(SWITCH)
    if text is not None and text.strip():
        if text.strip().lower() in (*_ON, *_OFF):
            return text.strip().lower() in _ON
        raise ConfigError(f"{SWITCH}={text!r}: expected 1 for an app that visitors use, or 0.")
    enabled = secrets.get("enabled", False)
    if not isinstance(enabled, bool):
        raise ConfigError(f"Hosting setting enabled: expected true or false, got {enabled!r}.")
    return enabled


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text
