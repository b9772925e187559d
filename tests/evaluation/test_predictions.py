"""Answers from elsewhere: each goes to its image, and is scored and compared as a model is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import find_bundle
from fer_core.cli import main
from fer_core.data import Dataset, open_dataset
from fer_core.emotions import NAMES
from fer_core.errors import DataError
from fer_core.evaluation.comparison import compare_records
from fer_core.evaluation.predictions import Predictions, as_record, parse_predictions
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.scoring import score
from fer_core.evaluation.scoring import test_uses as uses
from fer_core.metrics.classification import evaluate, figures
from tests.data.build import csv_text, faces, names_of, write_folders

SOURCE = "synthetic:350:4"
ALPHABETICAL = sorted(NAMES)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(SOURCE)


@pytest.fixture(scope="module")
def standard(data: Dataset) -> EvaluationRecord:
    return score(find_bundle("standard"), data, "validation", save=False).record


def parse(
    content: str | bytes, data: Dataset, split: str = "validation", name: str = "tool.csv"
) -> Predictions:
    return parse_predictions(name, content.encode() if isinstance(content, str) else content, data, split)


def npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def shuffled(record: EvaluationRecord) -> np.ndarray:
    return np.random.default_rng(0).permutation(len(record))


def probability_csv(record: EvaluationRecord, prefix: str = "", scale: float = 1) -> str:
    order = shuffled(record)
    values = record.probabilities[order] * scale
    columns = {f"{prefix}{name}": values[:, NAMES.index(name)] for name in ALPHABETICAL}
    return csv_text({"row": record.rows[order]} | columns)


@pytest.mark.parametrize(("prefix", "scale"), [("", 1), ("P_", 100), ("prob_", 0.01)])
def test_probabilities_give_the_figures_of_the_model_itself(
    prefix: str, scale: float, standard: EvaluationRecord, data: Dataset
) -> None:
    record = as_record(parse(probability_csv(standard, prefix, scale), data), data, "validation")
    assert np.array_equal(record.rows, standard.rows) and record.model == "tool"
    np.testing.assert_allclose(record.probabilities, standard.probabilities, atol=1e-5)
    mine = evaluate(record.probabilities, record.true, record.labels, leaked=record.leaked)
    theirs = evaluate(standard.probabilities, standard.true, standard.labels, leaked=standard.leaked)
    assert figures(mine)["confusion_matrix"] == figures(theirs)["confusion_matrix"]
    assert mine.accuracy_ci95 == theirs.accuracy_ci95
    assert compare_records(standard, record).p_value == 1


@pytest.mark.parametrize("column", ["prediction", "Label", "dominant_emotion", "answer"])
@pytest.mark.parametrize("coded", [False, True])
def test_answers_go_to_their_images(
    column: str, coded: bool, standard: EvaluationRecord, data: Dataset
) -> None:
    order = shuffled(standard)
    answers = standard.predicted[order]
    words = answers if coded else [f"{NAMES[i].title()}" for i in answers]
    found = parse(csv_text({"index": standard.rows[order], column: words}), data)
    record = as_record(found, data, "validation")
    assert np.array_equal(record.predicted, standard.predicted)
    assert any("calibration says nothing" in note for note in found.notes)


def test_without_rows_the_order_counts(standard: EvaluationRecord, data: Dataset) -> None:
    words = [NAMES[i] for i in standard.predicted]
    found = parse(csv_text({"prediction": words}), data)
    assert np.array_equal(as_record(found, data, "validation").predicted, standard.predicted)
    assert any("in the order of the 35 images" in note for note in found.notes)
    every = np.full(len(data), "sad", dtype="U8")
    every[data.indices("validation")] = words
    found = parse(csv_text({"prediction": every}), data)
    assert np.array_equal(as_record(found, data, "validation").predicted, standard.predicted)


def test_files_name_images(tmp_path: Path) -> None:
    images, codes = faces(42)
    source = write_folders(tmp_path / "set", images, [f"test/{name}" for name in names_of(codes)])
    data = open_dataset(source)
    order = np.random.default_rng(1).permutation(42)
    for form in ("test/{0}/{1:04}.png", "{1:04}.png", "/elsewhere/{1:04}.png"):
        files = [form.format(names_of([codes[i]])[0], i) for i in order]
        answers = [names_of([codes[i]])[0] for i in order]
        record = as_record(
            parse(csv_text({"file": files, "prediction": answers}), data, "test"), data, "test"
        )
        assert len(record) == 42 and np.array_equal(record.predicted, record.true)
    with pytest.raises(DataError, match=r"names 'x\.png', which .* does not have"):
        parse("file,prediction\nx.png,sad\n", data, "test")
    some = parse("file,prediction\nx.png,sad\n0003.png,happy\n", data, "test")
    assert "1 answer for other files left out, such as x.png." in some.notes
    with pytest.raises(DataError, match="have no file names"):
        np.savez(tmp_path / "a.npz", images=images, labels=codes)
        parse("file,prediction\nx.png,sad\n", open_dataset(tmp_path / "a.npz"), "train")


def test_arrays(standard: EvaluationRecord, data: Dataset) -> None:
    order = shuffled(standard)
    columns = [NAMES.index(name) for name in ALPHABETICAL]
    named = npz(
        probabilities=standard.probabilities[order][:, columns],
        rows=standard.rows[order],
        class_names=np.array(ALPHABETICAL),
    )
    plain = npz(predictions=standard.predicted)
    for content in (named, npz(probs=standard.probabilities), plain):
        record = as_record(parse(content, data, name="tool.npz"), data, "validation")
        assert np.array_equal(record.predicted, standard.predicted)


def test_some_of_the_images_are_enough(standard: EvaluationRecord, data: Dataset) -> None:
    rows = standard.rows[::3]
    found = parse(csv_text({"row": rows, "prediction": ["happy"] * len(rows)}), data)
    record = as_record(found, data, "validation")
    assert np.array_equal(record.rows, rows) and f"{len(rows)} of the 35 validation images" in found.notes[-1]
    compare_records(record, standard.only(np.isin(standard.rows, record.rows)))


def test_answers_that_mean_no_class_are_left_out_and_counted(data: Dataset) -> None:
    rows = data.rows[data.indices("validation")]
    answers = ["contempt", "contempt", *["sad"] * (len(rows) - 2)]
    found = parse(csv_text({"row": rows, "prediction": answers}), data)
    assert "2 answers that mean no class left out: 'contempt' (2)." in found.notes and len(found.rows) == 33


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no answers"),
        ("row,prediction\n", "holds no answers"),
        ("a,b\n1,2\n", "has the columns a, b"),
        ("row,prediction\nx,sad\n", "not a number"),
        ("row,prediction\n1,sad\n1,sad\n", "several answers for row 1"),
        ("row,prediction\n1,sad,3\n", "line 2 has 3 cells"),
        ("prediction\nsad\n", "without a column row or file"),
        ("row,happy,sad\n1,0.5,x\n", "not a number"),
        ("row,happy,sad\n1,-1,2\n", "softmax"),
        ("row,happy,sad\n1,0,0\n", "all 0"),
        ("row,happy,sad\n1,nan,0\n", "not numbers"),
        (b"\0\1\2", "expected a CSV or npz"),
        (npz(a=np.arange(3)), "has the arrays a"),
        (npz(probabilities=np.ones((35, 5))), "5 columns without class_names"),
        (npz(probabilities=np.ones((35, 5)), class_names=np.array(NAMES)), "5 columns but 7"),
        (npz(predictions=np.array([print], dtype=object)), "other than plain arrays"),
    ],
)
def test_what_cannot_be_used_is_refused(content: str | bytes, words: str, data: Dataset) -> None:
    with pytest.raises(DataError, match=words):
        parse(content, data)


def test_answers_for_other_images_are_refused(data: Dataset) -> None:
    with pytest.raises(DataError, match="no answer for the validation images"):
        as_record(parse("row,prediction\n100000,sad\n", data), data, "validation")


# --- the shell


@pytest.mark.long
def test_a_file_is_scored_and_compared(standard: EvaluationRecord, tmp_path: Path, capsys) -> None:
    path = tmp_path / "deepface.csv"
    path.write_text(probability_csv(standard))
    command = ["evaluate", "--predictions", str(path), "--data", SOURCE, "--split", "validation"]
    assert main([*command, "--against", "tiny", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    result = evaluate(standard.probabilities, standard.true, standard.labels)
    assert printed["model"] == "deepface" and printed["accuracy"] == result.accuracy
    assert printed["accuracy_ci95"] == list(result.accuracy_ci95)
    tiny = score(find_bundle("tiny"), open_dataset(SOURCE), "validation", save=False).record
    found = compare_records(standard, tiny)
    assert printed["against"][0]["p_value"] == found.p_value
    assert printed["against"][0]["difference_ci95"] == list(found.interval)
    assert main([*command, "--against", "tiny", "--report", str(tmp_path / "report.html")]) == 0
    assert "deepface on validation" in capsys.readouterr().out and (tmp_path / "report.html").is_file()


@pytest.mark.long
def test_votes_truth_and_uses_of_the_test_split(voted: Path, tmp_path: Path, capsys) -> None:
    data = open_dataset(voted)
    rows = data.rows[data.indices("test")]
    path = tmp_path / "person.csv"
    path.write_text(csv_text({"row": rows, "answer": [NAMES[(row + 1) % 7] for row in rows]}))
    before = uses(data)
    command = ["evaluate", "--predictions", str(path), "--data", str(voted), "--json"]
    assert main([*command, "--truth", "votes"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 0
    assert uses(data) == before + 2


def test_a_model_and_a_file_at_once_are_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--predictions", "a.csv", "--model", "tiny", "--data", SOURCE])
    assert main(["evaluate", "--predictions", str(tmp_path / "none.csv"), "--data", SOURCE]) == 1
