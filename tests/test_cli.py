"""The contract that scripts rely on."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.bundles.bundle import CARD, find_bundle
from fer_core.cli import main
from fer_core.emotions import NAMES
from fer_core.runs.command import train_command
from fer_core.runs.run_folder import RunFolder

pytestmark = pytest.mark.long

PORTRAIT = Path(__file__).resolve().parent.parent / "pages" / "assets" / "portrait.jpg"


def test_data_json(shell, command) -> None:
    result = shell.json("data", "synthetic:140:5")
    assert (
        result["source"] == "synthetic:140:5" and result["format"] == "synthetic" and result["count"] == 140
    )
    assert result["image_shape"] == [48, 48] and result["warnings"] == []
    assert set(result["splits"]) == {"train", "validation", "test"}
    assert sum(sum(split.values()) for split in result["splits"].values()) == 140
    assert set(result["splits"]["train"]) == set(NAMES)
    assert (
        result["fingerprint"]
        == command.json("data", "synthetic:140:5")["fingerprint"]
        != command.json("data", "synthetic:140:6")["fingerprint"]
    )


def test_presets_json_names_the_five_published_networks(command) -> None:
    presets = {preset["name"]: preset for preset in command.json("presets")}
    published = {"baseline-deep", "baseline-augmented", "baseline-dropout", "baseline-batchnorm"}
    published |= {f"baseline-weighted-{size}" for size in "sml"}
    own = {"standard", "tiny", "best", "ferplus", "transfer", "imagenet", "quick"}
    assert published | own == set(presets)
    assert presets["baseline-deep"]["claim"] == "about 70%"
    assert [name for name, preset in presets.items() if preset["default"]] == ["standard"]
    for preset in presets.values():
        assert (
            preset["data_form"]
            and preset["config"]["train"]["epochs"] >= 1
            and preset["name"] in preset["command"]
        )


def test_models_json_has_one_default(command) -> None:
    models = command.json("models")
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
    assert {p.name for p in (trained_run / "bundle").iterdir()} >= {
        "model.keras",
        "model.tflite",
        "card.json",
    }


def test_evaluate_json(command, trained_run: Path) -> None:
    result = command.json(
        "evaluate", "--model", trained_run, "--data", "synthetic:350", "--split", "validation"
    )
    assert result["labels"] == list(NAMES)
    matrix = np.array(result["confusion_matrix"])
    assert matrix.shape == (7, 7) and matrix.sum() == result["count"] == 35
    assert result["accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum())
    assert result["accuracy_ci95"][0] < result["accuracy"] < result["accuracy_ci95"][1]
    assert 0 <= result["macro_f1"] <= 1 and result["accuracy_without_leaked"] == pytest.approx(
        result["accuracy"]
    )
    for i, name in enumerate(NAMES):  # rows are the true classes
        assert result["per_class"][name]["support"] == matrix[i].sum()
        assert set(result["per_class"][name]) == {"precision", "recall", "f1", "support"}
    by_bundle = command.json(
        "evaluate", "--model", trained_run / "bundle", "--data", "synthetic:350", "--split", "validation"
    )
    assert by_bundle["confusion_matrix"] == result["confusion_matrix"]


def test_evaluate_agrees_with_the_training_process(command, trained_run: Path) -> None:
    """The light runtime gives the validation accuracy that the training process measured with Keras."""
    best = max(float(row.split(",")[4]) for row in (trained_run / "history.csv").read_text().splitlines()[1:])
    result = command.json(
        "evaluate", "--model", trained_run, "--data", "synthetic:350", "--split", "validation"
    )
    assert result["accuracy"] == pytest.approx(best)


def test_flip_changes_the_probabilities_only_a_little(command, trained_run: Path) -> None:
    result = command.json(
        "evaluate", "--model", trained_run, "--data", "synthetic:350", "--split", "test", "--tta", "flip"
    )
    assert result["tta"] == "flip" and result["count"] == 35


def test_evaluate_without_json_is_readable(command, trained_run: Path) -> None:
    text = command("evaluate", "--model", trained_run, "--data", "synthetic:350").stdout
    assert "95% interval" in text and "confusion matrix" in text and "surprise" in text and "macro F1" in text


def test_predict_json(command, trained_run: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")
    results = command.json("predict", "--model", trained_run, PORTRAIT, broken, tmp_path / "missing.png")
    assert [r["file"] for r in results] == [str(PORTRAIT), str(broken), str(tmp_path / "missing.png")]
    assert results[0]["error"] is None and len(results[0]["faces"]) == 1
    face = results[0]["faces"][0]
    x, y, width, height = face["box"]
    assert 160 < x < 200 and 40 < y < 80 and 60 < width < 110 and 80 < height < 140  # where her face is
    assert set(face["probabilities"]) == set(NAMES) and sum(face["probabilities"].values()) == pytest.approx(
        1, abs=1e-5
    )
    assert face["label"] == max(face["probabilities"], key=face["probabilities"].get)
    for result in results[1:]:
        assert result["faces"] == [] and result["error"] and "\n" not in result["error"]


def test_predict_without_detection_takes_the_whole_picture(
    command, trained_run: Path, tmp_path: Path
) -> None:
    Image.new("L", (90, 60), 128).save(tmp_path / "grey.png")
    assert command.json("predict", "--model", trained_run, tmp_path / "grey.png")[0]["faces"] == []
    faces = command.json("predict", "--model", trained_run, "--no-detect", tmp_path / "grey.png")[0]["faces"]
    assert [face["box"] for face in faces] == [[0, 0, 90, 60]]


def test_the_inference_file_is_exported_as_it_is_without_keras(
    here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made once; to make it again takes half a minute, and TensorFlow."""
    monkeypatch.setattr("fer_core.bundles.export.import_keras", lambda: pytest.fail("Keras was asked for"))
    assert here("export", "--model", "tiny", "--format", "litert", "--out", tmp_path / "tiny.tflite")[0] == 0
    assert zipfile.ZipFile(tmp_path / "tiny.tflite").read("labels.txt").decode().split() == list(NAMES)


def test_a_conversion_under_another_backend_is_told_in_one_sentence(
    here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    message = here.error("export", "--model", "tiny", "--format", "onnx", "--out", tmp_path / "tiny.onnx")
    assert (
        "made by TensorFlow" in message
        and "unset KERAS_BACKEND" in message
        and not (tmp_path / "tiny.onnx").exists()
    )


@pytest.mark.parametrize("format", ["keras", "litert", "onnx"])
def test_exported_files_give_the_same_probabilities(
    command, trained_run: Path, tmp_path: Path, format: str
) -> None:
    from fer_core.data.synthetic import draw_faces
    from fer_core.inference import Classifier

    out = (
        tmp_path / "made" / f"model.{format}"
    )  # a folder that does not exist yet, an ending of the user's own
    result = command.json("export", "--model", trained_run, "--format", format, "--out", out)
    assert result["bytes"] == out.stat().st_size
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


def test_errors_of_the_user_are_one_sentence(shell, command, trained_run: Path, tmp_path: Path) -> None:
    assert "nowhere.csv does not exist" in shell.error("data", tmp_path / "nowhere.csv")
    assert "baseline-deep" in command.error("train", "--data", "synthetic:70", "--preset", "nonesuch")
    assert "is not a run folder" in command.error("train", "--resume", tmp_path)
    assert "leave --epochs out" in command.error("train", "--resume", trained_run, "--epochs", 3)
    assert "does not exist" in command.error(
        "train", "--data", tmp_path / "nowhere.csv", "--run-dir", tmp_path / "y"
    )
    assert not (tmp_path / "y").exists()  # the corrected command can use the same folder
    assert "holds a run already" in command.error("train", "--data", "synthetic:70", "--run-dir", trained_run)
    assert "expected a shipped name" in command.error(
        "evaluate", "--model", "nonesuch", "--data", "synthetic:70"
    )
    assert "learning_rate" in command.error(
        "train", "--data", "synthetic:70", "--learning-rate", "-1", "--run-dir", tmp_path / "x"
    )
    assert not (tmp_path / "x").exists()
    assert "does not exist" in command.error("predict", "--model", trained_run, tmp_path / "missing.jpg")
    assert "is a folder" in command.error(
        "export", "--model", trained_run, "--format", "onnx", "--out", tmp_path
    )


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["nonesuch"],
        ["data"],
        ["export", "--format", "pickle", "--out", "x"],
        ["train"],
        ["train", "--epochs", "0"],
        ["train", "--epochs", "abc"],
        ["train", "--data", "synthetic", "--precision", "float64"],
        ["evaluate", "--data", "synthetic", "--split", "all"],
        ["evaluate", "--data", "synthetic", "--truth", "both"],
        ["evaluate", "--data", "synthetic", "--tta", "on"],
        ["bundle", "--data", "synthetic", "--name", "x", "--out", "x"],
        ["bundle", "run", "--name", "x", "--out", "x"],
        ["bundle", "run", "--data", "synthetic", "--name", "x", "--out", "x", "--quantisation", "int4"],
    ],
)
def test_wrong_usage_exits_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(wrong)
    assert caught.value.code == 2 and "usage: " in capsys.readouterr().err


# --- train: votes, teacher, precision


class Here:
    """The shell's commands in this process, which spares the start of another."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        self._capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return (status, *self._capsys.readouterr())

    def json(self, *arguments: object) -> dict:
        status, out, err = self(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    def error(self, *arguments: object) -> str:
        """The one sentence of a command that must fail by the user's mistake."""
        status, _, err = self(*arguments)
        lines = [line for line in err.splitlines() if not line.startswith(("note: ", "run folder: "))]
        assert status == 1 and len(lines) == 1 and lines[0].startswith("error: "), err
        return lines[0]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)


def end_before_training(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("fer_core.runs.train.train", lambda run, on_progress, finish=False: "stopped")


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs begin, but end before their first epoch."""
    end_before_training(monkeypatch)


def test_the_default_network_learns_from_the_labels_alone_where_there_are_no_votes(
    here, tmp_path: Path
) -> None:
    """And the same command with --resume added goes on with the run."""
    options = [
        "--data",
        "synthetic:70",
        "--preset",
        "standard",
        "--epochs",
        1,
        "--batch-size",
        28,  # two batches of one size: another is compiled for seconds
        "--precision",
        "float32",
    ]
    with pytest.MonkeyPatch.context() as patch:
        end_before_training(patch)
        _, _, err = here("train", *options, "--run-dir", tmp_path / "run")
    assert (
        "note: no fer2013new.csv beside synthetic:70, so this run learns from the labels alone"
        in err.splitlines()
    )
    result = here.json("train", *options, "--resume", tmp_path / "run")
    assert (result["state"], result["epochs"], result["best_epoch"]) == ("finished", 1, 1)
    card = json.loads((tmp_path / "run" / "bundle" / CARD).read_text())
    assert (card["truth"], card["mirror"], card["quantisation"], card["preset"]) == (
        "labels",
        True,
        "int8",
        "standard",
    )
    assert card["command"].startswith(
        "python -m fer_core train --data synthetic:70 --preset standard --epochs 1 --batch-size 28"
    )
    assert (tmp_path / "run" / "bundle" / "model.tflite").stat().st_size < 2.2e6, "1.6 M weights of 8 bits"


def test_votes_beside_the_data_are_used_without_a_word(here, untrained, voted: Path, tmp_path: Path) -> None:
    _, _, err = here("train", "--data", voted, "--run-dir", tmp_path / "run")
    config = RunFolder(tmp_path / "run").config()
    assert err.count("note: ") == 1, "the one on the codes of the labels"
    assert config.preset == "standard" and config.train.votes_weight == 1
    assert config.data.votes == str(voted.with_name("fer2013new.csv")) and config.data.drop == ("not a face",)


def test_votes_that_a_preset_does_not_use_are_said(here, untrained, voted: Path, tmp_path: Path) -> None:
    options = ["train", "--data", voted, "--preset", "quick", "--votes", voted.with_name("fer2013new.csv")]
    assert (
        "note: quick learns from labels alone, without --votes"
        in here(*options, "--run-dir", tmp_path / "without")[2]
    )
    _, _, err = here(*options, "--set", "train.votes_weight=1", "--run-dir", tmp_path / "with")
    assert err.count("note: ") == 1, "the one on the codes of the labels"
    assert RunFolder(tmp_path / "with").config().train.votes_weight == 1


def test_votes_teacher_and_precision_are_those_of_the_command(
    here, untrained, voted, labels_run, tmp_path: Path
) -> None:
    votes = voted.with_name("fer2013new.csv").rename(voted.with_name("votes of mine.csv"))
    try:
        options = [
            "--data",
            voted,
            "--preset",
            "tiny",
            "--votes",
            votes,
            "--teacher",
            labels_run,
            "--precision",
            "mixed_bfloat16",
        ]
        assert here("train", *options, "--run-dir", tmp_path / "run")[0] == 0
        config = RunFolder(tmp_path / "run").config()
        assert (config.data.votes, config.train.teacher, config.train.precision) == (
            str(votes),
            str(labels_run),
            "mixed_bfloat16",
        )
        assert config.train.teacher_weight == 0.7 and config.train.votes_weight == 1
        assert here("train", *options, "--resume", tmp_path / "run")[0] == 0
        assert "leave --precision out" in here.error(
            "train", "--resume", tmp_path / "run", "--precision", "float32"
        )
        assert "leave --votes, --teacher out" in here.error(
            "train", "--resume", tmp_path / "run", "--votes", "x", "--teacher", "y"
        )
    finally:
        votes.rename(voted.with_name("fer2013new.csv"))


def test_a_teacher_of_other_data_is_kept_where_it_was_asked_for(here, untrained, tmp_path: Path) -> None:
    """That of the preset is left out, since of drawn faces it knows nothing; and it is said."""
    options = ["--data", "synthetic:70", "--preset", "tiny"]
    _, _, message = here("train", *options, "--run-dir", tmp_path / "without")
    assert (
        "note: standard, which teaches tiny, was trained on other data" in message
        and "--teacher NAME" in message
    )
    assert RunFolder(tmp_path / "without").config().train.teacher is None
    options = [
        "--data",
        "synthetic:70",
        "--preset",
        "tiny",
        "--teacher",
        "standard",
        "--run-dir",
        tmp_path / "with",
    ]
    assert "without a teacher" not in here("train", *options)[2]
    config = RunFolder(tmp_path / "with").config()
    assert config.train.teacher == "standard" and "--teacher standard" in train_command(
        config, "synthetic:70"
    )


def test_a_network_for_votes_alone_needs_them(here, untrained, tmp_path: Path) -> None:
    message = here.error(
        "train", "--data", "synthetic:70", "--preset", "ferplus", "--run-dir", tmp_path / "run"
    )
    assert "no fer2013new.csv" in message and "--votes" in message and not (tmp_path / "run").exists()


def test_the_same_command_goes_on_however_it_writes_its_choices(
    here, untrained, voted: Path, tmp_path: Path, monkeypatch
) -> None:
    """The precision that `auto` became, and the votes by a relative path."""
    monkeypatch.chdir(voted.parent)
    options = [
        "--data",
        "fer.csv",
        "--preset",
        "standard",
        "--precision",
        "auto",
        "--votes",
        "fer2013new.csv",
    ]
    assert here("train", *options, "--run-dir", tmp_path / "run")[0] == 0
    assert here("train", *options, "--resume", tmp_path / "run")[0] == 0
    options[-1] = str(voted.with_name("fer2013new.csv"))
    assert here("train", *options, "--resume", tmp_path / "run")[0] == 0


@pytest.mark.parametrize("option", ["--votes", "--teacher"])
def test_votes_or_a_teacher_that_are_not_there_leave_no_run_behind(
    option: str, here, voted, labels_run, tmp_path: Path
) -> None:
    """So that the corrected command can use the same folder."""
    options = [
        "--preset",
        "tiny",
        "--teacher",
        labels_run,
        option,
        tmp_path / "nowhere",
        "--run-dir",
        tmp_path / "run",
    ]
    message = here.error("train", "--data", voted, *options)
    assert "nowhere" in message and not (tmp_path / "run").exists()


# --- evaluate: truth, votes, one view


def test_a_model_is_evaluated_against_what_it_was_trained_for(here, votes_run: Path, voted: Path) -> None:
    by_votes = here.json("evaluate", "--model", votes_run, "--data", voted, "--split", "validation")
    by_labels = here.json(
        "evaluate", "--model", votes_run, "--data", voted, "--split", "validation", "--truth", "labels"
    )
    assert (by_votes["truth"], by_votes["count"], by_labels["truth"], by_labels["count"]) == (
        "votes",
        28,
        "labels",
        35,
    )
    assert by_votes["accuracy"] > 0.7 > 0.3 > by_labels["accuracy"]
    assert by_votes["leaked"] == 7 and by_votes["without_leaked"]["count"] == 21
    assert by_votes["accuracy_without_leaked"] == by_votes["without_leaked"]["accuracy"]
    assert 0 <= by_votes["calibration_error"] <= 1
    _, text, _ = here("evaluate", "--model", votes_run, "--data", voted, "--split", "validation")
    assert "28 images on which FER+ voters agree" in text and "expected calibration error" in text
    assert "without the 7 images that also occur in train" in text


def test_votes_may_be_named_and_must_be_there(here, labels_run: Path, voted: Path, tmp_path: Path) -> None:
    alone = tmp_path / "fer.csv"
    alone.symlink_to(voted)
    evaluate = [
        "evaluate",
        "--model",
        labels_run,
        "--data",
        alone,
        "--split",
        "validation",
        "--truth",
        "votes",
    ]
    assert "no FER+ votes beside" in here.error(*evaluate) and "--votes" in here.error(*evaluate)
    assert here.json(*evaluate, "--votes", voted.with_name("fer2013new.csv"))["count"] == 28
    assert "expected the fer2013new.csv" in here.error(*evaluate, "--votes", PORTRAIT)
    assert "synthetic:70" in here.error(
        "evaluate", "--model", labels_run, "--data", "synthetic:70", "--truth", "votes"
    )


def test_the_gain_of_the_other_views_inside_can_be_measured(
    shell, here, votes_run: Path, voted: Path
) -> None:
    """Without them Keras computes, and prints nothing beside the JSON."""
    off = shell.json("evaluate", "--model", votes_run, "--data", voted, "--split", "train", "--tta", "off")
    inside = here.json("evaluate", "--model", votes_run, "--data", voted, "--split", "train")
    assert (off["tta"], inside["tta"]) == ("off", "none") and off["count"] == inside["count"]
    assert off["calibration_error"] != pytest.approx(inside["calibration_error"], abs=1e-4)


# --- models, bundle


def test_the_card_of_a_model_can_be_read(here, labels_run: Path) -> None:
    status, text, _ = here("models", labels_run)
    card = here.json("models", labels_run)
    assert (
        status == 0
        and text.startswith("# labels\n")
        and "## Not for" in text
        and f"{card['temperature']:.3f}" in text
    )
    assert card == json.loads((labels_run / "bundle" / CARD).read_text())
    assert "expected a shipped name" in here.error("models", "nonesuch")
    assert "## Layers" in text and f"| {card['layers'][1]['name']} |" in text


def test_a_damaged_card_is_told_in_one_sentence(here, labels_run: Path, tmp_path: Path) -> None:
    bundle = shutil.copytree(labels_run / "bundle", tmp_path / "bundle")
    (bundle / CARD).write_text(
        json.dumps(json.loads((bundle / CARD).read_text()) | {"figures": {"test": []}, "temperature": "warm"})
    )
    assert (
        "is damaged" in here.error("models", bundle) and here.json("models", bundle)["temperature"] == "warm"
    )


def test_the_list_of_models_stays_where_a_card_is_damaged(
    here, labels_run: Path, tmp_path: Path, monkeypatch
) -> None:
    models = shutil.copytree(labels_run / "bundle", tmp_path / "models" / "mine").parent
    monkeypatch.setattr("fer_core.bundles.bundle.MODELS_DIR", models)
    card = json.loads((models / "mine" / CARD).read_text())
    (models / "mine" / CARD).write_text(
        json.dumps(card | {"figures": {"test": [], "validation": {"accuracy": "high"}}, "parameters": []})
    )
    (only,) = here.json("models")
    assert (only["name"], only["test_accuracy"], only["validation_accuracy"], only["parameters"]) == (
        "mine",
        None,
        None,
        None,
    )
    assert only["milliseconds"] > 0 and here("models")[0] == 0


def test_two_runs_are_bundled_into_one_model(
    command, here, labels_run: Path, voted: Path, tmp_path: Path
) -> None:
    out, other = tmp_path / "both", shutil.copytree(labels_run, tmp_path / "other")
    result = command.json(
        "bundle",
        labels_run,
        other / "bundle",
        "--data",
        voted,
        "--name",
        "both",
        "--out",
        out,
        "--no-mirror",
        "--quantisation",
        "float16",
    )
    assert (
        result["networks"] == 2
        and result["bundle"] == str(out)
        and result["inference_bytes"] == (out / "model.tflite").stat().st_size
    )
    card = json.loads((out / CARD).read_text())
    assert (card["mirror"], card["quantisation"], card["temperature"]) == (
        False,
        "float16",
        result["temperature"],
    )
    assert (
        result["steps"] == card["steps"]
        and result["validation_calibration_error"] == card["figures"]["validation"]["calibration_error"]
    )
    assert "bundle labels other --data fer.csv --name both --out both --no-mirror" in card["command"]
    scored = here.json("evaluate", "--model", out, "--data", voted, "--split", "validation")
    assert scored["model"] == "both" and scored["accuracy"] == result["validation_accuracy"] > 0.7
    assert json.loads((out / CARD).read_text())["figures"]["validation"]["accuracy"] == scored["accuracy"]


def test_what_cannot_be_bundled_is_one_sentence(
    here, labels_run: Path, votes_run: Path, voted: Path, tmp_path: Path
) -> None:
    rest = ["--name", "x", "--out", tmp_path / "out"]
    for name in ("", "a/b", ".."):
        assert "cannot be a model's name" in here.error(
            "bundle", labels_run, "--data", voted, "--name", name, "--out", tmp_path / "out"
        )
    assert "other data than synthetic:70" in here.error("bundle", labels_run, "--data", "synthetic:70", *rest)
    assert "answer different questions" in here.error("bundle", labels_run, votes_run, "--data", voted, *rest)
    assert "expected a shipped name" in here.error("bundle", tmp_path, "--data", voted, *rest)
    assert not (tmp_path / "out").exists()


def test_bundling_over_a_folder_of_something_else_is_refused(
    here, labels_run: Path, voted: Path, tmp_path: Path, monkeypatch
) -> None:
    """A run, or what stands in the present folder, is not a bundle to be replaced."""
    run = Path(shutil.copytree(labels_run, tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    for out in (run, tmp_path, "."):
        here.error("bundle", labels_run, "--data", voted, "--name", "x", "--out", out)
        assert (run / "config.json").exists()
