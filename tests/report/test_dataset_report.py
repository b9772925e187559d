"""Report on a data set: complete, and self-contained."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import find_bundle
from fer_core.cli import main
from fer_core.data import open_dataset
from fer_core.data.votes import find_votes, read_votes
from fer_core.quality import cross_validation
from fer_core.report.dataset import dataset_report


def test_it_holds_the_figures_and_asks_for_nothing_else(voted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_dataset(voted)
    doubting = np.full((len(data), 7), 0.02, np.float32)
    doubting[np.arange(len(data)), (data.labels + 1) % 7] = 0.88
    monkeypatch.setattr(cross_validation, "load", lambda dataset: (np.arange(len(dataset)), doubting))
    path = find_votes(str(voted))
    assert path is not None
    page = dataset_report(data, read_votes(path, data), find_bundle("standard"))
    assert page.startswith("<!doctype html>") and "{{" not in page and "{%" not in page
    assert data.fingerprint in page and ">238<" in page and ">168<" in page
    assert "7 of 35 validation images (20.0%) also occur in train" in page
    assert "FER+ votes" in page and "FER+ voters dispute" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page) and "<script" not in page and "http" not in page
    assert page.count("data:image/png;base64,") > 20


def test_without_votes_or_model_the_report_names_what_is_missing() -> None:
    page = dataset_report(open_dataset("synthetic:70"), near=False)
    assert "FER+ votes" not in page and "Name a model with --model" in page


def test_names_from_the_data_are_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "<script>alert(1)</script>"
    folder.mkdir(parents=True)
    rows = [f"{i % 7},{' '.join([str((i * 7) % 256)] * 2304)}" for i in range(70)]
    (folder / "<b>faces.csv").write_text("emotion,pixels\n" + "\n".join(rows) + "\n")
    page = dataset_report(open_dataset(folder / "<b>faces.csv"), near=False)
    assert "<b>faces" not in page and "&lt;b&gt;faces.csv" in page


def test_the_command_writes_it(tmp_path: Path, capsys) -> None:
    assert main(["data", "synthetic:70", "--report", str(tmp_path / "report.html")]) == 0
    assert "<h1>synthetic:70</h1>" in (tmp_path / "report.html").read_text()
    assert main(["data", "synthetic:70", "--report", str(tmp_path / "no" / "such" / "folder.html")]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_a_report_on_a_data_set_with_one_image_a_class_is_written(tmp_path: Path) -> None:
    rows = [f"{i},{' '.join([str(i * 30)] * 2304)}" for i in range(7)]
    (tmp_path / "seven.csv").write_text("emotion,pixels\n" + "\n".join(rows) + "\n")
    data = open_dataset(tmp_path / "seven.csv")
    assert "There is no labelled validation or test split" in dataset_report(
        data, bundle=find_bundle("standard")
    )
