"""Two apps on one folder of runs, models, variants and verdicts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fer_core.bundles.bundle import MODELS_DIR, own_models
from fer_core.data import open_dataset
from fer_core.data.recipe import SUFFIX, read_recipe
from fer_core.quality.verdicts import Verdicts
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import list_runs
from tests.conftest import ROOT
from tests.runs.app import IMAGES, STEPS
from tests.until import until

# What an app may answer where the other one was first.
_REFUSALS = re.compile(
    r"nothing to do|There is a (model|variant) called \S+ already|is (running|starting): stop it before|"
    r"is under way already|no longer there|Another process works on the queue"
)


def _events(folder: Path) -> list[dict[str, Any]]:
    path = folder / "events"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _named(events: list[dict[str, Any]], what: str) -> list[str]:
    return [event["name"] for event in events if event["what"] == what]


@pytest.mark.long
def test_nothing_is_lost_or_trained_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "models"))
    runs = tmp_path / "runs"
    runs.mkdir()
    shutil.copytree(MODELS_DIR / "tiny", tmp_path / "ready" / "bundle")
    apps = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.runs.app", "app", str(tmp_path), name],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    until(lambda: len(_events(tmp_path)) == 2, seconds=60)
    (tmp_path / "go").touch()
    for one in apps:
        assert one.communicate(timeout=200)[1] == "" and one.returncode == 0
    until(lambda: _have_ended(runs), seconds=120)
    _check(tmp_path, _events(tmp_path))


def _have_ended(runs: Path) -> bool:
    """Where the machine is busy, a process may need so long to start that its run counts as interrupted."""
    states = {run.status()["state"] for run in list_runs(runs)}
    return states <= {"finished", "stopped"} and not Registry(runs).queue()


def _check(folder: Path, events: list[dict[str, Any]]) -> None:
    runs = folder / "runs"
    refused = {event["message"] for event in events if event["what"] == "refused"}
    assert not [message for message in refused if not _REFUSALS.search(message)]
    log = folder / "log.txt"
    assert not log.exists() or log.read_text() == ""

    # The name of a deleted run may be used again within a second.
    created, deleted = Counter(_named(events, "created")), Counter(_named(events, "deleted"))
    seeds = {event["name"]: event["seed"] for event in events if event["what"] == "created"}
    there = {run.name: run for run in list_runs(runs)}
    assert Counter(there.keys()) == created - deleted
    assert {name: run.config().train.seed for name, run in there.items()} == {n: seeds[n] for n in there}
    begun = Counter(_named(events, "begun"))
    assert _named(events, "twice") == [] and begun <= created
    assert Registry(runs).queue() == []
    for name, run in there.items():
        assert run.status()["state"] == ("finished" if begun[name] else "stopped"), name
    assert Registry(runs).notes().keys() <= set(there)

    given = {event["row"] for event in events if event["what"] == "verdict"}
    assert given == set(range(2 * STEPS))
    assert (
        Verdicts(open_dataset(f"synthetic:{IMAGES}:0"), folder / "home" / "verdicts.sqlite").all().keys()
        == given
    )

    promoted = _named(events, "promoted")
    assert sorted(promoted) == sorted({f"name-{number}" for number in range(1, 9)})
    whole = {path.name for path in (folder / "ready" / "bundle").iterdir()}
    for bundle in own_models():
        assert {path.name for path in bundle.path.iterdir()} == whole
    assert {bundle.path.name for bundle in own_models()} == set(promoted)
    saved = {event["name"]: event["pid"] for event in events if event["what"] == "saved"}
    assert sorted(_named(events, "saved")) == sorted(promoted)
    assert {n: read_recipe(folder / "data" / f"{n}{SUFFIX}").source for n in saved} == {
        name: str(pid) for name, pid in saved.items()
    }
