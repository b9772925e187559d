"""Real training: a small network learns the drawn faces, and the whole of FER2013 goes through the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_a_small_network_learns_the_embedded_faces(shell, tmp_path: Path) -> None:
    result = shell.json("train", "--data", "synthetic", "--preset", "quick", "--run-dir", tmp_path / "run")
    assert result["best_validation_accuracy"] >= 0.9
    assert shell.json("evaluate", "--model", tmp_path / "run", "--data", "synthetic")["accuracy"] >= 0.88


@pytest.mark.timeout(3600)
def test_all_of_fer2013_goes_through_the_shell(shell, shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "fer2013.parquet"
    splits = shell.json("data", source)["splits"]
    assert {name: sum(split.values()) for name, split in splits.items()} == {
        "train": 28709,
        "validation": 3589,
        "test": 3589,
    }
    assert splits["train"]["angry"] == 3995 and splits["test"]["disgust"] == 55
    done = shell("train", "--data", source, "--preset", "quick", "--epochs", 1, "--run-dir", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    printed = shell.json("evaluate", "--model", tmp_path / "run", "--data", source)
    assert printed["count"] == 3589 and printed["leaked"] == 288 and printed["accuracy"] > 0.25
    photos = sorted((shared / "photos").glob("*.jpg"))[:5]
    assert all(result["faces"] for result in shell.json("predict", "--model", tmp_path / "run", *photos))
    card = json.loads((tmp_path / "run" / "bundle" / "card.json").read_text())
    assert card["figures"]["test"]["accuracy"] == printed["accuracy"]
