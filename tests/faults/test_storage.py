"""Full or read-only disks, locked databases and two processes on one run lose no data."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fer_core import database
from fer_core.bundles.bundle import own_models
from fer_core.data import open_dataset
from fer_core.data.recipe import SUFFIX, Recipe, read_recipe, save_recipe
from fer_core.errors import DataError, FerError, ModelError, TrainingError
from fer_core.quality.verdicts import Verdicts
from fer_core.runs.manage import delete, promote
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import RunFolder, list_runs
from tests import tiny

Mount = Callable[..., Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Mount]:
    """Mount a memory disk of some megabytes, and make it read-only later."""
    mounted: list[Path] = []

    def mount(megabytes: float = 4) -> Path:
        place = tmp_path / f"disk-{len(mounted)}"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={round(1024 * megabytes)}k", "none", str(place)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"disks can only be mounted by root: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)


def read_only(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)


def fill(place: Path) -> None:
    """Fill the disk completely."""
    with open(place / "ballast", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass


@pytest.fixture(params=["full", "read-only"])
def spoil(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return fill if request.param == "full" else read_only


def one_sentence(error: pytest.ExceptionInfo[FerError], place: Path) -> None:
    text = str(error.value)
    assert "\n" not in text and len(text) < 400 and place.name in text
    assert any(
        reason in text
        for reason in ("No space left", "Read-only file system", "make room", "nothing can be written")
    )


def test_verdicts_stay(disk: Mount, spoil: Callable[[Path], None]) -> None:
    place, data = disk(), open_dataset("synthetic:70:0")
    given = Verdicts(data, place / "verdicts.sqlite")
    given.give([1, 2, 3], "right")
    spoil(place)
    with pytest.raises(DataError) as error:  # a page of the journal may still have room
        for _ in range(3000):
            given.give(range(70), "ambiguous")
    one_sentence(error, place)
    if spoil is fill:
        (place / "ballast").unlink()
        assert given.give([5], "right") == 1
    assert {1, 2, 3} <= given.all().keys()


def test_a_recipe_is_whole_or_not_there(disk: Mount, spoil: Callable[[Path], None]) -> None:
    place = disk()
    first = save_recipe(Recipe("fer.csv", "00ff", {1: "copy"}, {}), place, "first")
    spoil(place)
    with pytest.raises(DataError) as error:
        save_recipe(
            Recipe("fer.csv", "00ff", {row: "a copy of another one" for row in range(30_000)}, {}),
            place,
            "second",
        )
    one_sentence(error, place)
    assert read_recipe(first).drop == {1: "copy"}
    assert [path.name for path in place.glob(f"*{SUFFIX}")] == [first.name]


def test_a_model_that_finds_no_room_leaves_nothing_behind(
    disk: Mount, spoil: Callable[[Path], None], labels_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(path.stat().st_size for path in (labels_run / "bundle").rglob("*") if path.is_file())
    place = disk(1.6 * size / 2**20 + 0.5)
    monkeypatch.setenv("FER_MODELS_DIR", str(place))
    promote(RunFolder(labels_run), "kept")
    spoil(place)
    with pytest.raises(ModelError) as error:
        promote(RunFolder(labels_run), "second")
    one_sentence(error, place)
    assert [bundle.name for bundle in own_models()] == ["kept"]
    assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []


def test_a_run_cannot_begin_or_be_deleted_where_nothing_can_be_written(
    disk: Mount, labels_run: Path, voted: Path
) -> None:
    place = disk(64)
    stored = RunFolder(Path(shutil.copytree(labels_run, place / "kept")))
    read_only(place)
    with pytest.raises(TrainingError) as error:
        RunFolder(place / "new").create(tiny.settings(voted, {}))
    one_sentence(error, place)
    with pytest.raises(TrainingError, match="cannot be written: Read-only"):
        delete(stored)
    assert stored.status()["state"] == "finished" and stored.history()


def test_a_database_that_somebody_holds_is_waited_for_and_then_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_dataset("synthetic:70:0")
    given = Verdicts(data, tmp_path / "verdicts.sqlite")
    given.give([1], "right")
    connect = sqlite3.connect
    monkeypatch.setattr(
        database.sqlite3, "connect", lambda path, timeout: connect(path, timeout=min(timeout, 0.2))
    )
    holder = connect(tmp_path / "verdicts.sqlite")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DataError, match="locked"):
        given.give([2], "right")
    holder.rollback()
    holder.close()
    assert given.give([2], "right") == 1 and given.all().keys() == {1, 2}


@pytest.mark.long
def test_two_processes_do_not_train_one_run(shell, voted: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(tiny.settings(voted, {}, epochs=2))
    command = [sys.executable, "-m", "fer_core", "train", "--resume", str(run.path)]
    both = [
        subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    message = [process.communicate(timeout=200)[1] for process in both]
    codes = [process.returncode for process in both]
    assert run.status()["state"] == "finished" and len(run.history()) == 2
    for code, text in zip(codes, message, strict=True):  # the slower one may come when all is done
        assert code == 0 or (
            code == 1 and text.strip().splitlines()[-1].startswith("error: ") and "Traceback" not in text
        )
    assert 0 in codes


def test_the_registry_of_a_read_only_disk_is_read(disk: Mount, labels_run: Path) -> None:
    place = disk(64)
    shutil.copytree(labels_run, place / "kept")
    registry = Registry(place)
    registry.describe("kept", title="A title")
    read_only(place)
    assert [run.name for run in list_runs(place)] == ["kept"]
    assert registry.notes()["kept"].title == "A title"
    with pytest.raises(TrainingError) as error:
        registry.describe("kept", title="Another")
    one_sentence(error, place)
