"""Analysis of a video's faces over time, and annotated videos."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from fer_core.errors import ConfigError, VideoError
from fer_core.inference import Predictor
from fer_core.video import FaceFollower, Timeline, Track, VideoReader, analyse_video, annotate_video

from . import made


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


@pytest.fixture(scope="module")
def two_faces() -> bytes:
    """3 s at 10 frames a second: one face moves, a second one is there from 1.0 to 2.0 s."""
    frames = []
    for i in range(30):
        places = [(2 * i, 20), (380, 60)] if 10 <= i < 20 else [(2 * i, 20)]
        frames.append(made.frame(*places, size=(560, 240)))
    return made.video(frames)


@pytest.fixture(scope="module")
def timeline(two_faces: bytes, predictor: Predictor) -> Timeline:
    return analyse_video(io.BytesIO(two_faces), predictor, name="clip.mp4", rate=None, smoothing=0.3)


def test_each_face_has_one_track(timeline: Timeline, predictor: Predictor) -> None:
    assert timeline.complete and timeline.duration == pytest.approx(3.0) and len(timeline.times) == 30
    first, second = timeline.tracks
    assert (first.number, second.number) == (1, 2)
    assert (
        len(first.times) == 30
        and second.times[0] == pytest.approx(1.0)
        and second.times[-1] == pytest.approx(1.9)
    )
    assert np.diff(first.boxes[:, 0]).mean() == pytest.approx(2, abs=0.3)
    assert np.ptp(second.boxes[:, 0]) <= 3
    alone = predictor.predict(made.frame((0, 20), size=(560, 240)))[0]
    assert first.probabilities[0] == pytest.approx(
        [alone.probabilities[name] for name in timeline.labels], abs=0.1
    )
    assert first.crop.shape == (48, 48)
    assert np.diff(first.smoothed, axis=0).std() <= np.diff(first.probabilities, axis=0).std()


def test_rate_and_every_choose_the_moments(two_faces: bytes, predictor: Predictor) -> None:
    assert analyse_video(io.BytesIO(two_faces), predictor).times == pytest.approx(np.arange(15) / 5)
    assert analyse_video(io.BytesIO(two_faces), predictor, every=12).times == pytest.approx([0, 1.2, 2.4])
    for wrong in ({"rate": 0.0}, {"every": 0}, {"smoothing": -1.0}):
        with pytest.raises(ConfigError, match="expected"):
            analyse_video(io.BytesIO(two_faces), predictor, **wrong)


def test_progress_and_cancel(two_faces: bytes, predictor: Predictor) -> None:
    shares: list[float] = []
    partial = analyse_video(
        io.BytesIO(two_faces), predictor, on_progress=shares.append, cancelled=lambda: len(shares) >= 4
    )
    assert shares == sorted(shares) and shares[3] == pytest.approx(0.2)
    assert not partial.complete and len(partial.times) == 4 and partial.duration == pytest.approx(0.6)


def test_csv_and_json_say_the_same(timeline: Timeline) -> None:
    rows = list(csv.DictReader(io.StringIO(timeline.csv_text())))
    assert len(rows) == 40 and [float(row["time"]) for row in rows] == sorted(
        float(row["time"]) for row in rows
    )
    track = timeline.tracks[1]
    own = [row for row in rows if row["face"] == "2"]
    for i, row in enumerate(own):
        assert int(row["frame"]) == track.frames[i] and float(row["x"]) == track.boxes[i, 0]
        assert [float(row[name]) for name in timeline.labels] == pytest.approx(
            track.probabilities[i], abs=1e-4
        )
        assert [float(row[f"smoothed_{name}"]) for name in timeline.labels] == pytest.approx(
            track.smoothed[i], abs=1e-4
        )
        assert row["label"] == timeline.labels[track.smoothed[i].argmax()]
    reported = timeline.as_json()["tracks"][1]
    assert (
        reported["face"] == 2 and [moment["frame"] for moment in reported["moments"]] == track.frames.tolist()
    )
    assert list(reported["moments"][0]["smoothed"].values()) == pytest.approx(track.smoothed[0], abs=1e-4)


def small(times: list[float]) -> Timeline:
    n = len(times)
    boxes = np.stack([np.array([int(100 * t), 10, 20, 20]) for t in times]).astype(np.int32)
    values = np.eye(2, dtype=np.float32)[np.arange(n) % 2]
    track = Track(
        4,
        np.arange(n),
        np.array(times),
        boxes,
        np.ones(n, np.float32),
        values,
        values,
        np.zeros((48, 48), np.uint8),
        np.zeros((n, 5, 2), np.float32),
        np.zeros(n, np.int16),
        np.zeros(n, np.int16),
    )
    return Timeline("clip", ("happy", "sad"), 640, 480, 5.0, np.arange(0, 5, 0.2), (track,), 0.0, True)


def test_in_between_boxes_move_and_labels_wait() -> None:
    timeline = small([1.0, 1.2, 1.4, 3.0, 3.2])
    (face,) = timeline.at(1.1)
    assert (
        face.number == 4
        and face.box == (110, 10, 20, 20)
        and face.probabilities == {"happy": 1.0, "sad": 0.0}
    )
    assert timeline.at(1.25)[0].probabilities["sad"] == 1.0
    assert (
        timeline.at(0.9) == [] and timeline.at(2.2) == [] and timeline.at(3.9) == []
    )  # not seen, gone for too long, over
    assert timeline.at(1.55)[0].box[0] == 140  # until the next moment at which it would have been looked for
    assert Timeline("clip", ("happy",), 1, 1, 0.0, np.array([]), (), 0.0, True).at(0.0) == []


def test_the_annotated_video_plays_in_browsers_and_has_the_boxes(
    timeline: Timeline, two_faces: bytes, tmp_path: Path
) -> None:
    import av

    shares: list[float] = []
    assert annotate_video(io.BytesIO(two_faces), timeline, tmp_path / "out.mp4", on_progress=shares.append)
    assert len(shares) == 30 and [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    memory = io.BytesIO()
    assert annotate_video(io.BytesIO(two_faces), timeline, memory)
    for source in (tmp_path / "out.mp4", io.BytesIO(memory.getvalue())):
        with av.open(source) as container:
            (stream,) = container.streams
            assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        with VideoReader(source) as drawn, VideoReader(io.BytesIO(two_faces)) as original:
            assert drawn.duration == pytest.approx(3.0, abs=0.01)
            for got, plain in zip(drawn.frames(every=6), original.frames(every=6), strict=True):
                assert got.time == pytest.approx(plain.time, abs=0.001)
                changed = np.abs(got.pixels.astype(int) - plain.pixels).max(axis=2) > 60
                for face in timeline.at(plain.time):
                    x, y, width, height = face.box
                    assert (
                        changed[y + height - 3 : y + height + 4, x + 5 : x + width - 5].any(axis=0).mean()
                        > 0.9
                    )
                assert changed[:, 540:].sum() == 0
    top = memory.getvalue().find(b"moov")
    assert (tmp_path / "out.mp4").read_bytes().find(
        b"moov"
    ) < top  # the index stands first, so that it plays while it loads


def test_odd_sizes_and_a_cancelled_copy(predictor: Predictor, tmp_path: Path) -> None:
    content = made.video([made.frame((10, 10), size=(321, 243))] * 5, format="avi", codec="mpeg4")
    timeline = analyse_video(io.BytesIO(content), predictor)
    assert annotate_video(io.BytesIO(content), timeline, tmp_path / "odd.mp4")
    with VideoReader(tmp_path / "odd.mp4") as video:
        assert (video.width, video.height) == (320, 242) and len(list(video.frames())) == 5
    calls = iter(range(100))
    assert not annotate_video(
        io.BytesIO(content), timeline, tmp_path / "none.mp4", cancelled=lambda: next(calls) > 2
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["odd.mp4"]
    with pytest.raises(VideoError, match="cannot be written"):
        annotate_video(io.BytesIO(content), timeline, tmp_path / "nowhere" / "out.mp4")


def test_frames_without_a_face_are_searched_thoroughly_now_and_then(predictor: Predictor) -> None:
    looks: list[bool] = []

    class Blind:
        classifier = predictor.classifier

        def predict(self, picture: np.ndarray, one_look: bool) -> list:
            looks.append(one_look)
            return []

    follower = FaceFollower(Blind())  # type: ignore[arg-type]
    for i in range(25):
        follower.follow(i / 5, np.zeros((48, 48), np.uint8))
    assert [i for i, one in enumerate(looks) if not one] == [9, 19]
