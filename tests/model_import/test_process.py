"""The process that reads a model file: what it makes, and how it ends without harm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import CARD, MODELS_DIR, Bundle, find_bundle, is_shipped
from fer_core.bundles.classifier import Classifier
from fer_core.bundles.export import export
from fer_core.errors import ModelError
from fer_core.explanation.grad_cam_process import GradCamProcess
from fer_core.model_import import process
from fer_core.model_import.findings import LabelledFaces, labelled_faces
from tests.conftest import Shell
from tests.data import build
from tests.model_import import made


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return made.write_onnx(tmp_path / "my network.onnx")


def faces() -> LabelledFaces:
    images, codes = build.faces(70)
    return LabelledFaces(images, codes, "faces.npz")


def test_a_model_is_found_by_its_name(network: Path, models: Path) -> None:
    shares: list[float] = []
    bundle, findings = process.import_model(network, "mine", faces(), on_progress=shares.append)
    assert find_bundle("mine").path == bundle.path == models / "mine" and not is_shipped(bundle)
    assert (findings.scaling, findings.classes) == ("torch", tuple(made.ORDER))
    assert all(0 <= share <= 1 for share in shares)
    assert [path.name for path in models.iterdir()] == ["mine"], "nothing else is left"
    images, codes = build.faces(14)
    assert np.array_equal(Classifier(bundle).probabilities(images).argmax(axis=1), codes)
    with pytest.raises(ModelError, match="called mine already"):
        process.import_model(network, "mine", faces())
    with pytest.raises(ModelError, match="called tiny already"):
        process.import_model(network, "tiny", faces())
    _what_it_cannot_do_is_said(bundle, models.parent)


def _what_it_cannot_do_is_said(bundle: Bundle, folder: Path) -> None:
    assert "not in the browser" in bundle.card["imported"]["works"]
    with pytest.raises(ModelError, match="came as an ONNX file"):
        GradCamProcess(bundle).start()
    with pytest.raises(ModelError, match="nothing that could be converted to LiteRT"):
        export(bundle, "litert", folder / "out.tflite")
    export(bundle, "onnx", folder / "out.onnx")
    assert (folder / "out.onnx").read_bytes() == bundle.inference_file.read_bytes()


def test_the_choice_of_the_user_is_on_the_card(network: Path, models: Path) -> None:
    findings = process.inspect(network, faces())
    chosen = findings.chosen("unit", "fer2013")
    bundle, _ = process.import_model(network, "mine", findings=chosen)
    words = bundle.card["imported"]["chosen"]
    assert words == {
        "Input": "0 to 1 (unit), given by the user",
        "Order of classes": "FER2013, given by the user",
    }
    assert findings.chosen_words()["Input"].endswith("chosen by trying on faces.npz")
    with pytest.raises(ModelError, match="names 2 outputs, but the network has 7"):
        findings.chosen("unit", "happy,sad")
    with pytest.raises(ModelError, match="does not fit an input"):
        findings.chosen("other", "fer2013")


def test_a_process_that_crashes_or_is_slow_is_one_sentence(
    network: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_launch: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "import os; os.abort()"])

    with pytest.raises(ModelError, match="ended with status -6"):
        process.import_model(network, "mine", faces(), spawn=crash)

    sleeping: list[subprocess.Popen[bytes]] = []

    def sleep(_launch: object) -> subprocess.Popen[bytes]:
        sleeping.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        return sleeping[0]

    monkeypatch.setattr(process, "TIMEOUT", 0.3)
    with pytest.raises(ModelError, match="was not imported within"):
        process.import_model(network, "mine", faces(), spawn=sleep)
    assert sleeping[0].poll() is not None, "it is ended"
    assert not list(models.iterdir())


def test_faces_are_of_validation_first_and_never_of_test_beside_others(tmp_path: Path) -> None:
    from fer_core.data import open_dataset

    images, codes = build.faces(70)
    usages = np.array((["Training"] * 3 + ["PublicTest", "PrivateTest"]) * 14)
    np.savez(tmp_path / "faces.npz", images=images, labels=codes, usage=usages)
    drawn = labelled_faces(open_dataset(tmp_path / "faces.npz"), "faces.npz")
    assert np.array_equal(drawn.images, images[usages != "PrivateTest"])
    assert np.array_equal(drawn.labels, codes[usages != "PrivateTest"])


def test_the_shell_says_what_is_missing(shell: Shell, network: Path, models: Path, tmp_path: Path) -> None:
    assert "--data SOURCE" in shell.error("import-model", network, "--name", "mine")
    assert "import-model" in shell.error("evaluate", "--model", network, "--data", "synthetic:70")
    given = ["--classes", "alphabetical", "--input", "torch"]
    found = shell.json("import-model", network, "--name", "mine", *given)
    assert isinstance(found, dict) and found["classes_by"] == found["scaling_by"] == "given"
    assert (models / "mine" / CARD).is_file() and models != MODELS_DIR
