"""Helper processes of the app, within the limits of a hosted one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from fer_core.hosting import memory
from fer_core.hosting.helpers import Helpers
from fer_core.process_folder import start_detached
from fer_core.resources import subprocess_environment

from . import visitor

_helpers = Helpers()


def start(
    what: str, launch: Callable[[], subprocess.Popen[bytes]], shared: bool = False
) -> subprocess.Popen[bytes]:
    """Start a process with `launch`.

    Args:
        what: What needs the process, as the subject of messages.
        launch: Starts the process.
        shared: It works for all visitors, so that it is not the one job of this visitor.

    Raises:
        ModelError: A hosted app has no room for it now.
        OSError: It cannot be started.
    """
    all_visitors = visitor.hosted()
    settings = None if all_visitors is None else all_visitors.settings
    return _helpers.start(what, launch, settings, "" if shared else visitor.key())


def environment() -> dict[str, str]:
    """Return the environment of a helper process."""
    return subprocess_environment() | ({} if visitor.hosted() is None else memory.SPARING)


def detached(what: str) -> Callable[..., subprocess.Popen[bytes]]:
    """Return a function like `start_detached`, whose process is one of the helpers.

    Args:
        what: As for `start`.
    """

    def launch(
        arguments: list[str], log: Path, mode: str = "ab", environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        sparing = {} if visitor.hosted() is None else memory.SPARING
        return start(what, lambda: start_detached(arguments, log, mode, {**sparing, **(environment or {})}))

    return launch


def failure(messages: bytes, status: int) -> str:
    """Return why a command of `fer_core` failed, as one sentence.

    Args:
        messages: What it wrote on stderr; TensorFlow writes there too.
        status: Its exit status.
    """
    lines = messages.decode(errors="replace").splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors else f"The process ended with status {status}."


def reap() -> int:
    """Reap the processes that have ended, and return how many run."""
    return _helpers.reap()
