"""Scoring to Parquet: the rows, continuing after an interruption, and what is refused."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_core.bundles.bundle import find_bundle
from fer_core.data import open_dataset
from fer_core.errors import DataError, FerError
from fer_core.inference import Classifier, Predictor
from fer_core.scale import local_pool, score
from fer_core.scale.part_folder import parts_in

LABELS = list(find_bundle("tiny").labels)


def read(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder)


def test_every_face_has_one_row_with_the_classifiers_answer(faces: Path, tmp_path: Path) -> None:
    summary = score(faces, tmp_path / "out", "tiny", workers=1, part_size=64)
    rows, data = read(tmp_path / "out"), open_dataset(faces)
    assert (summary.items, summary.rows, summary.errors, summary.parts) == (300, 300, 0, 5)
    assert rows["row"].tolist() == data.rows.tolist() == list(range(300))
    expected = Classifier(find_bundle("tiny")).probabilities(data.images)
    assert np.abs(rows[LABELS].to_numpy() - expected).max() < 1e-5
    assert rows["label"].tolist() == [LABELS[i] for i in expected.argmax(1)]
    assert np.allclose(rows["confidence"], expected.max(1), atol=1e-5)
    assert rows["truth"].tolist() == [data.label_names[code] for code in data.labels]
    assert rows["error"].isna().all()


def test_a_second_start_leaves_what_is_there_and_does_what_is_missing(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score(faces, out, "tiny", workers=1, part_size=64)
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.glob("part-*")}
    (out / "part-000003.parquet").unlink()
    (out / "part-000001.parquet").write_bytes(
        before["part-000001.parquet"][1][:500]
    )  # a disk that broke off in the middle
    (out / ".part-000003.parquet.77-1").write_bytes(b"half")
    done = []
    summary = score(faces, out, "tiny", workers=1, on_part=lambda result: done.append(result.index))
    assert sorted(done) == [1, 3] and summary.parts_before == 3 and summary.rows == 300
    after = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.glob("part-*")}
    assert {name: content for name, (_, content) in after.items()} == {
        name: content for name, (_, content) in before.items()
    }
    assert all(
        after[name][0] == before[name][0]
        for name in before
        if name not in ("part-000001.parquet", "part-000003.parquet")
    )
    assert not list(out.glob(".part-*")), "what a killed worker left is still there"
    assert (
        score(faces, out, "tiny", workers=1, on_part=lambda result: pytest.fail("done twice")).parts_before
        == 5
    )


def test_a_folder_of_another_job_is_refused_in_one_sentence(
    faces: Path, tables: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    score(faces, out, "tiny", workers=1, part_size=100)
    for source, model, more, words in (
        (faces, "standard", {}, "parts of the model tiny, and this is a job for standard"),
        (tables, "tiny", {}, "parts of another source"),
        (faces, "tiny", {"part_size": 50}, "parts of 100 items each, and this is a job with 50"),
    ):
        with pytest.raises(DataError, match=words) as caught:
            score(source, out, model, workers=1, **more)
        assert "\n" not in str(caught.value)
    other = tmp_path / "other"
    shutil.copytree(find_bundle("tiny").path, other)
    inference = other / "model.tflite"
    inference.write_bytes(inference.read_bytes() + b"\0")  # another file under the same name
    with pytest.raises(DataError, match="another model that is called"):
        score(faces, out, str(other), workers=1)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(foreign / "part-000000.parquet")
    with pytest.raises(DataError, match="which score did not write"):
        score(faces, foreign, "tiny", workers=1)


def test_tables_are_read_by_rows_and_bad_ones_say_why(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Across files and row groups, and never through `open_dataset`, which loads everything."""
    monkeypatch.setattr(
        "fer_core.scale.sources.open_dataset", lambda source: pytest.fail("the table was loaded in full")
    )
    summary = score(tables, tmp_path / "out", "tiny", workers=1, part_size=37)
    rows = read(tmp_path / "out")
    assert summary.items == 200 and summary.errors == 1 and rows["row"].tolist() == list(range(200))
    assert (
        rows.loc[60, "error"].startswith("row 61: ")
        and rows.loc[60, LABELS].isna().all()
        and pd.isna(rows.loc[60, "label"])
    )
    monkeypatch.undo()
    data = open_dataset(tables)
    expected = Classifier(find_bundle("tiny")).probabilities(data.images)
    good = rows.drop(index=60)
    assert np.abs(good[LABELS].to_numpy() - expected).max() < 1e-5
    assert good["truth"].tolist() == [data.label_names[code] for code in data.labels]


def test_a_table_may_be_read_from_any_row(tables: Path, tmp_path: Path) -> None:
    """A restart leaves out parts, and so does a worker whose parts were done by others."""
    from fer_core.scale.face_tables import FaceTables

    files = ((str(tables / "a.parquet"), 130), (str(tables / "b.parquet"), 70))
    whole, truth, errors = FaceTables(files).take(0, 200)
    assert len(whole) == 199 and list(errors) == [60]
    jumping = FaceTables(files)
    for start, stop in ((0, 10), (20, 25), (120, 140), (10, 12), (199, 200), (61, 130), (130, 131)):
        images, some, _ = jumping.take(start, stop)
        shift = [i - (i > 60) for i in range(start, stop)]
        assert np.array_equal(images, whole[shift]) and some == truth[start:stop], (start, stop)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_photos_have_a_row_a_face_and_bad_ones_a_sentence(album: Path, tmp_path: Path, packed: bool) -> None:
    source = album
    if packed:
        source = tmp_path / "album.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in album.rglob("*"):
                archive.write(path, path.relative_to(album))
    summary = score(source, tmp_path / "out", "tiny", workers=1, part_size=3)
    rows = read(tmp_path / "out").set_index("file")
    assert (
        summary.kind == "photos"
        and summary.items == 4
        and list(rows.index) == ["2024/a.png", "b.jpg", "damaged.jpg", "white.png"]
    )
    assert (
        "damaged.jpg" in rows.loc["damaged.jpg", "error"]
        and rows.loc["white.png", "error"] == "no face found"
    )
    (face,) = Predictor("tiny").predict(album / "b.jpg")
    found = rows.loc["b.jpg"]
    assert (found["x"], found["y"], found["width"], found["height"]) == face.box and found["face"] == 1
    assert found["label"] == face.label and np.allclose(
        found[LABELS].astype(float), list(face.probabilities.values()), atol=1e-6
    )
    assert pd.isna(rows.loc["white.png", "label"]) and pd.isna(rows.loc["damaged.jpg", "face"])


def test_class_folders_are_faces_by_default(tmp_path: Path, album: Path) -> None:
    for name in ("happy", "sad"):
        (tmp_path / "data" / "train" / name).mkdir(parents=True)
        for i in range(6):
            shutil.copy(album / "b.jpg", tmp_path / "data" / "train" / name / f"{i}.jpg")
    assert score(tmp_path / "data", tmp_path / "a", "tiny", workers=1).kind == "faces"
    found = score(tmp_path / "data", tmp_path / "b", "tiny", workers=1, kind="photos")
    assert found.kind == "photos" and found.rows == 12


def test_a_photo_that_changed_makes_another_source(album: Path, tmp_path: Path) -> None:
    copied = tmp_path / "album"
    shutil.copytree(album, copied)
    score(copied, tmp_path / "out", "tiny", workers=1)
    score(album, tmp_path / "out", "tiny", workers=1)  # where it stands does not count
    shutil.copy(album / "2024" / "a.png", copied / "white.png")
    with pytest.raises(DataError, match="parts of another source"):
        score(copied, tmp_path / "out", "tiny", workers=1)


def test_what_cannot_be_scored_is_one_sentence(command, faces: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for source, out, words in (
        (tmp_path / "missing.npz", "out", "does not exist"),
        (tmp_path / "empty", "out", "is empty"),
        (faces, "file", "is a file"),
    ):
        with pytest.raises(FerError, match=words):
            score(source, tmp_path / out, "tiny", workers=1)
    assert "There is no model" in command.error(
        "score", faces, "--out", tmp_path / "out", "--model", "nobody"
    )


def test_a_folder_is_not_taken_by_two_at_once(faces: Path, tmp_path: Path) -> None:
    def second(result) -> None:
        from filelock import FileLock, Timeout

        with pytest.raises(Timeout):
            FileLock(tmp_path / "out" / ".lock").acquire(timeout=0)

    score(faces, tmp_path / "out", "tiny", workers=1, part_size=64, on_part=second)
    assert len(parts_in(tmp_path / "out")) == 5


def test_workers_that_end_repeatedly_are_an_error(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that kills every worker must neither hang the job nor be skipped."""
    monkeypatch.setattr(local_pool, "_begin", os.abort)
    monkeypatch.setattr(local_pool, "_begin", _abort)
    with pytest.raises(FerError, match="ended 3 times"):
        score(faces, tmp_path / "out", "tiny", workers=2, part_size=64)


def _abort(job: object) -> None:
    os._exit(9)
