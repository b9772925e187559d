"""The shell asks why: pictures of where a model looks, corrupted images, two models compared, the report."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.bundles.bundle import find_bundle
from fer_core.data import open_dataset
from fer_core.evaluation.comparison import compare_records
from fer_core.evaluation.scoring import score
from tests.conftest import ROOT, Command, Shell

pytestmark = pytest.mark.long

PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"
SOURCE = "synthetic:210:41"


@pytest.mark.parametrize("method", ["grad-cam", "occlusion"])
def test_explain_draws_where_a_model_looks(command: Command, tmp_path: Path, method: str) -> None:
    out, explain = tmp_path / "why.png", ("explain", PORTRAIT, "--model", "tiny", "--method", method)
    result = command.json(*explain, "--out", out)
    assert result["class"] == result["label"] == "happy" and result["method"] == method
    picture = np.asarray(Image.open(out).convert("RGB")).astype(int)
    assert (
        picture.shape[0] == picture.shape[1] >= 240 and np.ptp(picture, axis=2).max() > 60
    )  # colours on a grey face
    other = tmp_path / "other.png"
    assert command.json(*explain, "--of", "sad", "--out", other)["class"] == "sad"
    assert other.read_bytes() != out.read_bytes()


def test_explain_says_what_it_needs(command: Command, tmp_path: Path) -> None:
    assert "ends in .png" in command.error("explain", PORTRAIT, "--out", tmp_path / "why.jpg")
    assert "does not know 'joy'" in command.error(
        "explain", PORTRAIT, "--of", "joy", "--out", tmp_path / "why.png"
    )
    Image.new("L", (200, 200), 128).save(tmp_path / "grey.png")
    assert "No face was found" in command.error(
        "explain", tmp_path / "grey.png", "--out", tmp_path / "why.png"
    )


def test_robustness_is_measured_once_and_falls_with_the_level(command: Command) -> None:
    arguments = (
        "robustness",
        "--data",
        "synthetic:350:42",
        "--split",
        "train",
        "--images",
        "70",
        "--model",
        "tiny",
    )
    first = command.json(*arguments)
    assert first["count"] == 70 and first["mean_accuracy"] < first["clean_accuracy"]
    noise = first["corruptions"]["shot_noise"]
    assert noise["accuracy"][0] > noise["accuracy"][-1]
    assert all(
        low <= share <= high for share, (low, high) in zip(noise["accuracy"], noise["ci95"], strict=True)
    )
    assert command.json(*arguments) == first


def test_two_models_are_compared_on_the_same_images(command: Command) -> None:
    data = open_dataset(SOURCE)
    found = compare_records(
        *(score(find_bundle(name), data, "validation", save=False).record for name in ("standard", "ferplus"))
    )
    result = command.json("evaluate", "--data", SOURCE, "--split", "validation", "--against", "ferplus")
    (other,) = result["against"]
    assert other["model"] == "ferplus" and other["difference"] == pytest.approx(found.difference)
    assert other["p_value"] == pytest.approx(found.p_value) and other["noise"] == found.noise
    done = command("evaluate", "--data", SOURCE, "--split", "validation", "--against", "ferplus")
    assert found.sentence("standard", "ferplus") in done.stdout


def test_the_report_has_the_figures_and_the_command_that_repeats_it(shell: Shell, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = shell.json("evaluate", "--data", SOURCE, "--split", "validation", "--report", page)
    text = page.read_text()
    assert f"{result['accuracy']:.1%}" in text and f"{result['macro_f1']:.3f}" in text
    assert f"python -m fer_core evaluate --data {SOURCE} --split validation --report" in text
    assert "<script" not in text and not re.search(r'(src|href)="https?://[^"]+\.(js|css|png|jpg)', text)


def test_faces_below_a_threshold_are_called_unsure(command: Command) -> None:
    (sure,) = command.json("predict", PORTRAIT)[0]["faces"]
    assert sure["unsure"] is False
    confidence = max(sure["probabilities"].values())
    for threshold, unsure in ((confidence - 0.01, False), (min(1, confidence + 0.01), True)):
        (face,) = command.json("predict", PORTRAIT, "--unsure-below", threshold)[0]["faces"]
        assert face["unsure"] is unsure and face["label"] == sure["label"]
    assert "unsure: " in command("predict", PORTRAIT, "--unsure-below", 1).stdout
    assert "unsure: " in command("predict", PORTRAIT, "--unsure-below", "100%").stdout
    for wrong in (60, "130%", "nan"):
        assert "expected 0 to 1" in command.error("predict", PORTRAIT, "--unsure-below", wrong)
