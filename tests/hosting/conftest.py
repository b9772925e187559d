"""Folders of a hosted app with a visitor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fer_core.config import RunConfig
from fer_core.hosting import visitors
from fer_core.hosting.settings import HostingSettings
from fer_core.hosting.visitors import Visitors
from fer_core.runs.run_folder import RunFolder


class Host:
    """Server with a data folder and limits for its visitors."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.data.mkdir()
        self.visitors: Visitors
        self.allow()

    def allow(self, **settings: int) -> Visitors:
        self.visitors = visitors.establish(replace(HostingSettings(), **settings), self.data)
        return self.visitors

    def visitor(self) -> Path:
        home = self.visitors.home(visitors.new_token())
        home.mkdir()
        return home

    def run(self, home: Path, name: str = "a", **settings: Any) -> RunFolder:
        run = RunFolder(home / "runs" / name)
        run.create(RunConfig(preset="quick").replace("train", **({"epochs": 3} | settings)))
        return run


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("FER_RUNS_DIR", str(tmp_path / "runs"))
    return Host(tmp_path)
