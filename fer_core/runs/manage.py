"""Promote, pack and delete runs."""

from __future__ import annotations

import contextlib
import errno
import io
import re
import shutil
import tempfile
import time
import zipfile
from pathlib import Path

from ..bundles.bundle import CARD, Bundle, own_models_dir, read_bundle, write_card
from ..errors import ModelError, TrainingError
from ..hosting import quotas, visitors
from ..process_folder import OPEN_STATES
from .locks import lock_starts
from .registry import Registry
from .run_folder import RunFolder
from .sweep_folder import SweepFolder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_UNFINISHED = ".new"  # ends the name of a copy that is being made
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)  # of a folder that another one cannot be renamed to
_STALE = 3600  # s after which an unfinished copy is deleted
_NEEDED_TO_TRAIN = ("checkpoint.npz", "lock", "reserve", "stop", "control.json", "control.lock")


def check_name(name: str) -> None:
    """Check the name of a model, which becomes a folder's name.

    Raises:
        ModelError: The name is invalid.
    """
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"{name!r} cannot be a model's name: expected up to 60 letters, digits, dots, "
            "dashes and underscores."
        )


def promote(run: RunFolder, name: str) -> Bundle:
    """Keep the model of a run under `name`, where every page and command finds it, even after the run is
    deleted.

    Raises:
        ModelError: The run has no bundle yet, the name is taken or invalid, or the disk is full.
        TrainingError: A visitor of a hosted app has no room for it.
    """
    check_name(name)
    if not (run.bundle / CARD).is_file():
        raise ModelError(f"{run.name} has no model yet: stop it or let it end first.")
    target = own_models_dir() / name
    taken = f"There is a model called {name} already: choose another name."
    if target.exists():
        raise ModelError(taken)
    quotas.check_space(run.path, visitors.folder_size(run.bundle))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f".*{_UNFINISHED}"):  # by a process that was killed
            with contextlib.suppress(FileNotFoundError):  # another process has just finished or deleted it
                if time.time() - left.stat().st_mtime > _STALE:
                    shutil.rmtree(left, ignore_errors=True)
        # The copy is inside, since it takes over the time of the original, which may be old.
        with tempfile.TemporaryDirectory(_UNFINISHED, f".{name}.", target.parent) as temporary:
            copy = Path(temporary) / name
            shutil.copytree(run.bundle, copy)
            write_card(copy / CARD, read_bundle(copy).card | {"name": name, "promoted": run.name})
            copy.rename(target)
    except (OSError, shutil.Error) as error:
        if error.errno in _TAKEN:  # by another process, at this moment
            raise ModelError(taken) from None
        # Of a copied folder there is a list of (from, to, why), a row for each file.
        reason = str(error.args[0][0][2]) if isinstance(error, shutil.Error) else error.strerror or str(error)
        raise ModelError(
            f"The model cannot be written to {target}: {reason.split('] ')[-1].split(':')[0]}."
        ) from None
    return read_bundle(target)


def pack(run: RunFolder) -> bytes:
    """Return a zip file with the records, curves and model of a run, without its large checkpoint."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(run.path.rglob("*")):
            inside = path.relative_to(run.path)
            if path.is_file() and not inside.name.startswith(".") and str(inside) not in _NEEDED_TO_TRAIN:
                file.write(path, Path(run.name) / inside)
    return buffer.getvalue()


def delete(run: RunFolder | SweepFolder) -> None:
    """Delete the folder of a run or sweep with everything in it.

    Raises:
        TrainingError: The run is under way, or cannot be deleted.
    """
    if not run.path.is_dir():
        raise TrainingError(f"{run.name} is no longer there: it was deleted.")
    # Renamed in one step: if the process dies halfway, what is left is not listed as a run.
    trash = run.path.with_name(f".{run.name}.deleted")
    with lock_starts(run.path.parent):
        state = run.status()["state"]
        if state in OPEN_STATES and state != "queued":
            raise TrainingError(f"{run.name} is {state}: stop it before it is deleted.")
        shutil.rmtree(trash, ignore_errors=True)  # of an earlier run of this name
        try:
            run.path.rename(trash)
        except FileNotFoundError:
            raise TrainingError(f"{run.name} is no longer there: it was deleted.") from None
        except OSError as error:
            raise TrainingError(f"{run.name} cannot be deleted: {error.strerror or error}.") from None
        Registry(run.path.parent).forget(run.name)
    shutil.rmtree(trash, ignore_errors=True)
