"""The contract that scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.emotions import NAMES

PORTRAIT = Path(__file__).resolve().parent.parent / "pages" / "assets" / "portrait.jpg"


def test_data_json(shell) -> None:
    told = shell.json("data", "synthetic:140:5")
    assert told["source"] == "synthetic:140:5" and told["format"] == "synthetic" and told["count"] == 140
    assert told["image_shape"] == [48, 48] and told["warnings"] == []
    assert set(told["splits"]) == {"train", "validation", "test"}
    assert sum(sum(split.values()) for split in told["splits"].values()) == 140
    assert set(told["splits"]["train"]) == set(NAMES)
    assert (
        told["fingerprint"] == shell.json("data", "synthetic:140:5")["fingerprint"] != shell.json("data", "synthetic:140:6")["fingerprint"]
    )


def test_presets_json_names_the_five_published_networks(shell) -> None:
    presets = {preset["name"]: preset for preset in shell.json("presets")}
    published = {"baseline-deep", "baseline-augmented", "baseline-dropout", "baseline-batchnorm"}
    assert published | {f"baseline-weighted-{size}" for size in "sml"} | {"residual", "quick"} == set(presets)
    assert presets["baseline-deep"]["claim"] == "about 70 %"
    assert [name for name, preset in presets.items() if preset["default"]] == ["residual"]
    for preset in presets.values():
        assert preset["data_form"] and preset["config"]["train"]["epochs"] >= 1 and preset["name"] in preset["command"]


def test_models_json_has_one_default(shell) -> None:
    models = shell.json("models")
    assert sum(model["default"] for model in models) == 1
    for model in models:
        low, high = model["test_accuracy_ci95"]
        assert low < model["test_accuracy"] < high
        assert set(model["labels"]) == set(NAMES)


def test_a_run_leaves_what_the_contract_names(trained_run: Path) -> None:
    assert json.loads((trained_run / "config.json").read_text())["preset"] == "baseline-weighted-s"
    rows = (trained_run / "history.csv").read_text().splitlines()
    assert len(rows) == 3 and rows[0].startswith("epoch,loss,accuracy,val_loss,val_accuracy")
    assert (trained_run / "best.weights.h5").is_file() and (trained_run / "final.weights.h5").is_file()
    assert list((trained_run / "tensorboard").rglob("events.out.tfevents.*"))
    assert {p.name for p in (trained_run / "bundle").iterdir()} >= {"model.keras", "model.tflite", "card.json"}


def test_evaluate_json(shell, trained_run: Path) -> None:
    told = shell.json("evaluate", "--model", trained_run, "--data", "synthetic:350", "--split", "validation")
    assert told["labels"] == list(NAMES)
    matrix = np.array(told["confusion_matrix"])
    assert matrix.shape == (7, 7) and matrix.sum() == told["count"] == 35
    assert told["accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum())
    assert told["accuracy_ci95"][0] < told["accuracy"] < told["accuracy_ci95"][1]
    assert 0 <= told["macro_f1"] <= 1 and told["accuracy_without_leaked"] == pytest.approx(told["accuracy"])
    for i, name in enumerate(NAMES):  # rows are the true classes
        assert told["per_class"][name]["support"] == matrix[i].sum()
        assert set(told["per_class"][name]) == {"precision", "recall", "f1", "support"}
    by_bundle = shell.json("evaluate", "--model", trained_run / "bundle", "--data", "synthetic:350", "--split", "validation")
    assert by_bundle["confusion_matrix"] == told["confusion_matrix"]


def test_evaluate_agrees_with_the_training_process(shell, trained_run: Path) -> None:
    """The light runtime gives the validation accuracy that the training process measured with Keras."""
    best = max(float(row.split(",")[4]) for row in (trained_run / "history.csv").read_text().splitlines()[1:])
    told = shell.json("evaluate", "--model", trained_run, "--data", "synthetic:350", "--split", "validation")
    assert told["accuracy"] == pytest.approx(best)


def test_flip_changes_the_probabilities_only_a_little(shell, trained_run: Path) -> None:
    told = shell.json("evaluate", "--model", trained_run, "--data", "synthetic:350", "--split", "test", "--tta", "flip")
    assert told["tta"] == "flip" and told["count"] == 35


def test_evaluate_without_json_is_readable(shell, trained_run: Path) -> None:
    text = shell("evaluate", "--model", trained_run, "--data", "synthetic:350").stdout
    assert "95 % interval" in text and "confusion matrix" in text and "surprise" in text and "macro F1" in text


def test_predict_json(shell, trained_run: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")
    results = shell.json("predict", "--model", trained_run, PORTRAIT, broken, tmp_path / "missing.png")
    assert [r["file"] for r in results] == [str(PORTRAIT), str(broken), str(tmp_path / "missing.png")]
    assert results[0]["error"] is None and len(results[0]["faces"]) == 1
    face = results[0]["faces"][0]
    x, y, width, height = face["box"]
    assert 160 < x < 200 and 40 < y < 80 and 60 < width < 110 and 80 < height < 140  # where her face is
    assert set(face["probabilities"]) == set(NAMES) and sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert face["label"] == max(face["probabilities"], key=face["probabilities"].get)
    for result in results[1:]:
        assert result["faces"] == [] and result["error"] and "\n" not in result["error"]


def test_predict_without_detection_takes_the_whole_picture(shell, trained_run: Path, tmp_path: Path) -> None:
    Image.new("L", (90, 60), 128).save(tmp_path / "grey.png")
    assert shell.json("predict", "--model", trained_run, tmp_path / "grey.png")[0]["faces"] == []
    faces = shell.json("predict", "--model", trained_run, "--no-detect", tmp_path / "grey.png")[0]["faces"]
    assert [face["box"] for face in faces] == [[0, 0, 90, 60]]


@pytest.mark.parametrize("format", ["keras", "litert", "onnx"])
def test_exported_files_give_the_same_probabilities(shell, trained_run: Path, tmp_path: Path, format: str) -> None:
    from fer_core.bundle import find_bundle
    from fer_core.data.synthetic import draw_faces
    from fer_core.inference import Classifier

    out = tmp_path / "made" / f"model.{format}"  # a folder that does not exist yet, an ending of the user's own
    told = shell.json("export", "--model", trained_run, "--format", format, "--out", out)
    assert told["bytes"] == out.stat().st_size
    faces, _ = draw_faces(21, 3)
    expected = Classifier(find_bundle(str(trained_run))).probabilities(faces)
    inputs = faces[..., None].astype(np.float32)
    if format == "keras":
        import keras

        out = out.rename(out.with_suffix(".keras"))
        got = keras.models.load_model(out, safe_mode=True).predict(inputs, verbose=0)
    elif format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
        got = session.run(None, {session.get_inputs()[0].name: inputs})[0]
    else:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(out))
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], inputs.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
        interpreter.invoke()
        got = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.abs(got - expected).max() < 1e-4


def test_errors_of_the_user_are_one_sentence(shell, trained_run: Path, tmp_path: Path) -> None:
    assert "nowhere.csv does not exist" in shell.error("data", tmp_path / "nowhere.csv")
    assert "baseline-deep" in shell.error("train", "--data", "synthetic:70", "--preset", "nonesuch")
    assert "no run folder" in shell.error("train", "--resume", tmp_path)
    repeated = shell("train", "--data", "synthetic:350", "--preset", "baseline-weighted-s", "--epochs", 2, "--resume", trained_run)
    assert repeated.returncode == 0  # the same command with --resume added is no contradiction
    assert "leave --epochs out" in shell.error("train", "--resume", trained_run, "--epochs", 3)
    assert "does not exist" in shell.error("train", "--data", tmp_path / "nowhere.csv", "--run-dir", tmp_path / "y")
    assert not (tmp_path / "y").exists()  # the corrected command can use the same folder
    assert "holds a run already" in shell.error("train", "--data", "synthetic:70", "--run-dir", trained_run)
    assert "expected a shipped name" in shell.error("evaluate", "--model", "nonesuch", "--data", "synthetic:70")
    assert "learning_rate" in shell.error("train", "--data", "synthetic:70", "--learning-rate", "-1", "--run-dir", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    assert "does not exist" in shell.error("predict", "--model", trained_run, tmp_path / "missing.jpg")
    assert "is a folder" in shell.error("export", "--model", trained_run, "--format", "onnx", "--out", tmp_path)


@pytest.mark.parametrize("wrong", [[], ["nonesuch"], ["data"], ["export", "--format", "pickle", "--out", "x"], ["train"],
        ["train", "--epochs", "0"],
        ["train", "--epochs", "abc"],
                                   ["evaluate", "--data", "synthetic", "--split", "all"]])  # fmt: skip
def test_wrong_usage_exits_with_2(shell, wrong: list[str]) -> None:
    assert shell(*wrong).returncode == 2
