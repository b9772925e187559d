"""What labels were read as is said wherever they are used: commands, run, card, and report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fer_core.bundles import model_card
from fer_core.bundles.bundle import read_bundle
from fer_core.cli import main
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.table import run_rows
from tests.data.build import CODES_NOTE

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    "command",
    [
        ["data"],
        ["evaluate", "--model", "tiny", "--data"],
        ["robustness", "--model", "tiny", "--images", "14", "--data"],
    ],
)
def test_commands_say_it_once(command, voted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, str(voted)]) == 0
    out, err = capsys.readouterr()
    assert (out + err).count(f"note: {CODES_NOTE}\n") == 1
    assert main([*command, str(voted), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert CODES_NOTE in result.get("warnings", result.get("notes", [CODES_NOTE]))


def test_train_says_it(voted: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("fer_core.runs.train.train", lambda run, on_progress, finish=False: "stopped")
    assert main(["train", "--data", str(voted), "--preset", "tiny", "--run-dir", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().err.count(f"note: {CODES_NOTE}\n") == 1


def test_run_and_card_keep_it(labels_run: Path) -> None:
    assert CODES_NOTE in RunFolder(labels_run).status()["data_notes"]
    (row,) = run_rows(labels_run.parent)
    assert CODES_NOTE in row.as_json()["data_notes"]
    card = read_bundle(labels_run / "bundle").card
    assert CODES_NOTE in card["data"]["notes"]
    assert f"- Notes on the data: {CODES_NOTE}\n" in model_card.markdown(card)


def test_the_report_says_it(voted: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert main(["evaluate", "--model", "tiny", "--data", str(voted), "--report", str(page)]) == 0
    assert page.read_text().count(CODES_NOTE.replace("'", "&#39;")) == 1
