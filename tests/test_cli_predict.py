"""The command predict on folders, zips and videos; its JSON for single photos is in test_cli.py."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image

from fer_core.video import VideoReader

from .conftest import Command, Shell
from .video import made

pytestmark = pytest.mark.long

PORTRAIT = made.PORTRAIT


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(PORTRAIT.read_bytes())
    (folder / "sub" / "b.jpg").write_bytes(PORTRAIT.read_bytes())
    (folder / "sub" / "bad.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes(made.video(made.moving(15)))
    return path


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_a_folder_and_a_zip_of_it(command: Command, album: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as archive:
        for path in sorted(album.rglob("*.jpg")):
            archive.write(path, path.relative_to(album))
        archive.write(PORTRAIT, "../above.jpg")
    (alone,) = command.json("predict", PORTRAIT)
    for source in (album, tmp_path / "album.zip"):
        results = {result["file"]: result for result in command.json("predict", source)}
        names = [f"{source}/{name}" for name in ("a.jpg", "sub/b.jpg", "sub/bad.jpg")]
        assert set(names) <= set(results) and len(results) == (3 if source is album else 4)
        faces = [[face | {"file": ""} for face in results[name]["faces"]] for name in names[:2]]
        assert faces[0] == faces[1] == [face | {"file": ""} for face in alone["faces"]]
        assert "cannot be read as an image" in results[names[2]]["error"]
    done = command(
        "predict", tmp_path / "album.zip", "--annotate", tmp_path / "drawn", "--csv", tmp_path / "faces.csv"
    )
    assert (
        done.returncode == 0 and len(done.stderr.strip().splitlines()) == 1 and "sub/bad.jpg" in done.stderr
    )
    drawn = {path.relative_to(tmp_path / "drawn").as_posix() for path in (tmp_path / "drawn").rglob("*.jpg")}
    assert drawn == {"a.jpg", "sub/b.jpg", "above.jpg"}  # nothing lands above the folder
    assert not (tmp_path / "above.jpg").exists()
    rows = {row["file"]: row for row in table(tmp_path / "faces.csv")}
    assert len(rows) == 4 and rows[f"{tmp_path}/album.zip/a.jpg"]["label"] == alone["faces"][0]["label"]
    assert "cannot be read" in rows[f"{tmp_path}/album.zip/sub/bad.jpg"]["error"]


def test_an_empty_folder_is_one_sentence(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no picture" in command.error("predict", tmp_path / "empty")


def test_one_photo_is_annotated_under_the_name_that_is_given(command: Command, tmp_path: Path) -> None:
    command("predict", PORTRAIT, "--annotate", tmp_path / "drawn.png")
    changed = (np.asarray(Image.open(tmp_path / "drawn.png")) != np.asarray(Image.open(PORTRAIT))).any(axis=2)
    assert 0.001 < changed.mean() < 0.1
    copy = tmp_path / "own.jpg"
    copy.write_bytes(PORTRAIT.read_bytes())
    assert "expected another name" in command.error("predict", copy, "--annotate", copy)
    assert copy.read_bytes() == PORTRAIT.read_bytes()


def test_a_dark_face_is_named(shell: Shell, tmp_path: Path) -> None:
    Image.fromarray((np.asarray(Image.open(PORTRAIT).convert("RGB")) * 0.25).astype(np.uint8)).save(
        tmp_path / "dark.png"
    )
    (face,) = shell.json("predict", tmp_path / "dark.png")[0]["faces"]
    assert face["warnings"][0] == "dark" and "mouth covered" not in face["warnings"]
    line = f"{', '.join(face['warnings']).capitalize()}: the answer is less certain."
    assert line in shell("predict", tmp_path / "dark.png").stdout


def test_a_video_with_its_csv_and_annotated_copy(command: Command, clip: Path, tmp_path: Path) -> None:
    options = (
        "--rate",
        10,
        "--csv",
        tmp_path / "out.csv",
        "--annotate",
        tmp_path / "out.mp4",
        "--unsure-below",
        0.5,
    )
    (result,) = command.json("predict", clip, *options)
    assert result["file"] == str(clip) and result["error"] is None and result["video"]["moments"] == 15
    (track,) = result["video"]["tracks"]
    assert track["face"] == 1 and len(track["moments"]) == 15 == len(table(tmp_path / "out.csv"))
    assert track["moments"][0]["unsure"] is (max(track["moments"][0]["smoothed"].values()) < 0.5)
    with VideoReader(tmp_path / "out.mp4") as video:
        assert len(list(video.frames())) == 15
    assert len(command.json("predict", clip, "--every", 5)[0]["video"]["tracks"][0]["moments"]) == 3
    text = command("predict", clip).stdout
    assert f"{clip}: face 1, 0.0 to " in text and "100%" in text


def test_videos_and_photos_together(command: Command, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    photo, video, broken = command.json("predict", PORTRAIT, clip, tmp_path / "broken.mp4")
    assert len(photo["faces"]) == 1 and len(video["video"]["tracks"]) == 1
    assert "cannot be read as a video" in broken["error"] and broken["faces"] == []
    assert "folder" in command.error("predict", PORTRAIT, clip, "--annotate", tmp_path / "out.mp4")
    assert "ends in .mp4" in command.error("predict", clip, "--annotate", tmp_path / "out.avi")


def test_photos_folders_zips_and_several_videos_become_one_table(
    command: Command, album: Path, clip: Path, tmp_path: Path
) -> None:
    (album / "sub" / "clip.mov").write_bytes(clip.read_bytes())
    (album / ".hidden.mp4").write_bytes(b"")
    Image.new("RGB", (90, 90)).save(album / "empty.png")
    (tmp_path / "faceless.mp4").write_bytes(made.video([np.zeros((64, 64, 3), np.uint8)] * 5))
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as archive:
        archive.write(clip, "in/clip.mp4")
        archive.writestr("in/broken.mp4", b"no video")
    inputs = (PORTRAIT, album, tmp_path / "album.zip", clip, tmp_path / "faceless.mp4")
    out, drawn = tmp_path / "faces.csv", tmp_path / "drawn"
    result = command.json("predict", *inputs, "--csv", out, "--annotate", drawn, "--unsure-below", "100%")
    frame = pandas.read_csv(out)
    moments = [f"{album}/sub/clip.mov", f"{tmp_path}/album.zip/in/clip.mp4", str(clip)]
    assert {entry["file"] for entry in result} == set(frame["file"])
    assert frame["file"].value_counts()[moments].tolist() == [8] * 3  # 1.5 s, 5 frames a second
    assert set(frame.columns) > {"time", "label", "smoothed_happy"}
    faceless = frame[frame["face"] == 0].set_index("file")["error"]
    assert faceless[f"{album}/empty.png"] == faceless[str(tmp_path / "faceless.mp4")] == "no face found"
    assert "cannot be read as an image" in faceless[f"{album}/sub/bad.jpg"]
    assert "cannot be read as a video" in faceless[f"{tmp_path}/album.zip/in/broken.mp4"]
    assert frame["unsure"].equals((frame["face"] > 0) & (frame["confidence"] < 1))
    assert frame[frame["file"] == str(PORTRAIT)]["smoothed_happy"].isna().all()
    copies = {path.relative_to(drawn).as_posix() for path in drawn.rglob("*") if path.is_file()}
    assert copies >= {"portrait.jpg", "sub/clip.mp4", "in/clip.mp4", "clip.mp4", "a.jpg"}


def test_means_by_file_and_by_face_of_each_file(command: Command, clip: Path, tmp_path: Path) -> None:
    Image.new("RGB", (90, 90)).save(tmp_path / "empty.png")
    inputs, out = (PORTRAIT, clip, tmp_path / "empty.png"), tmp_path / "out.csv"
    command("predict", *inputs, "--csv", out)
    faces = pandas.read_csv(out)
    for by, columns in (("file", ["file"]), ("face", ["file", "face"])):
        command("predict", *inputs, "--csv", out, "--mean", by, "--unsure-below", "100%")
        means = pandas.read_csv(out).set_index(columns)
        expected = faces.groupby(columns)[["happy", "sad"]].mean()
        assert means[["happy", "sad"]].sub(expected).abs().max().max() < 1e-4
        assert set(means.index) == set(expected.index)
        assert means["sights"].tolist() == [1, 8, 0] and means["faces"].tolist() == [1, 1, 0]
        assert (
            means["unsure"].tolist() == [True, True, False] and means["label"].tolist()[:2] == ["happy"] * 2
        )
        assert means["from"].tolist()[1] == 0 and means["to"].tolist()[1] == pytest.approx(1.4, abs=0.05)
        assert means["error"].tolist()[2] == "no face found"
    assert command("predict", PORTRAIT, "--mean", "file").returncode == 2


def test_a_folder_of_videos_alone(command: Command, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").write_bytes(clip.read_bytes())
    (video,) = command.json("predict", tmp_path / "films")
    assert (
        video["file"].endswith("films/a.mp4") and video["video"]["tracks"][0]["moments"][0]["unsure"] is False
    )


def test_wrong_usage(command: Command, clip: Path) -> None:
    for wrong in ((), (clip, "--every", 2, "--rate", 5), (clip, "--camera", 0), ("--camera", -1)):
        assert command("predict", *wrong).returncode == 2
    assert "expected more than 0" in command.error("predict", clip, "--rate", -1)


def test_a_camera_that_is_not_there_is_one_sentence(command: Command) -> None:
    assert "There is no camera 97" in command.error("predict", "--camera", 97)


def test_a_camera_is_followed_until_the_seconds_are_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import cv2

    from fer_core import cli

    released = []

    class Camera:
        """Gives the same picture, a tenth of a second later each time."""

        def __init__(self, number: int) -> None:
            self.number = number

        def isOpened(self) -> bool:
            return True

        def set(self, *arguments: object) -> None: ...

        def read(self) -> tuple[bool, np.ndarray]:
            clock[0] += 0.1
            return True, np.ascontiguousarray(made.frame((40, 30))[..., ::-1])  # OpenCV gives blue first

        def release(self) -> None:
            released.append(self.number)

    clock = [0.0]
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    monkeypatch.setattr("fer_core.video.camera.time.monotonic", lambda: clock[0])
    out = tmp_path / "seen.mp4"
    assert (
        cli.main(
            [
                "predict",
                "--camera",
                "3",
                "--seconds",
                "1",
                "--annotate",
                str(out),
                "--csv",
                str(tmp_path / "seen.csv"),
            ]
        )
        == 0
    )
    output = capsys.readouterr().out
    assert "face 1: happy" in output and "camera 3: face 1" in output and released == [3]
    assert len(table(tmp_path / "seen.csv")) >= 9
    with VideoReader(out) as video:
        assert len(list(video.frames())) == len(table(tmp_path / "seen.csv"))
