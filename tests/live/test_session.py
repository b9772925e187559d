"""Live sessions from a user's point of view, with a simulated clock: a minute takes as long as its frames."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle
from fer_core.errors import ConfigError
from fer_core.inference import FacePrediction
from fer_core.live import FrameScheduler, LiveSession, LiveSettings

PORTRAIT = Path(__file__).resolve().parent.parent.parent / "pages" / "assets" / "portrait.jpg"
STEP = 1 / 15
GREY = (95, 105, 115)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Camera:
    """Frames into a session, one each 15th of a second."""

    def __init__(self, session: LiveSession, clock: Clock) -> None:
        self.session, self.clock = session, clock

    def show(self, frame: np.ndarray, times: int = 1) -> np.ndarray:
        for _ in range(times):
            self.clock.now += STEP
            out = self.session.process(frame)
        return out


@pytest.fixture(scope="module")
def face() -> Image.Image:
    """The smiling head of the portrait."""
    return Image.open(PORTRAIT).convert("RGB").crop((150, 0, 300, 170))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> Iterator[LiveSession]:
    made = LiveSession(find_bundle(PHOTO_MODEL), LiveSettings(mirror=False), clock=clock)
    yield made
    made.close()


@pytest.fixture
def camera(session: LiveSession, clock: Clock) -> Camera:
    return Camera(session, clock)


def frame(*heads: tuple[Image.Image, int, int], size: tuple[int, int] = (640, 480)) -> np.ndarray:
    """(H, W, 3) uint8 with heads at x, y."""
    picture = Image.new("RGB", size, GREY)
    for head, x, y in heads:
        picture.paste(head, (x, y))
    return np.asarray(picture)


def test_a_face_is_boxed_labelled_and_reported(camera: Camera, face: Image.Image) -> None:
    before = frame((face, 240, 150))
    out = camera.show(before, 3)
    (seen,) = camera.session.snapshot().faces
    assert seen.number == 1 and seen.label == "happy" and seen.confidence > 0.6 and not seen.unsure
    x, y, width, height = seen.box
    assert (
        x >= 240 and x + width <= 390 and y >= 150 and y + height <= 330
    )  # the chin is cut off a little below
    assert sum(seen.probabilities.values()) == pytest.approx(1, abs=1e-4)
    changed = np.argwhere((out != before).any(axis=2))
    assert out.shape == before.shape and out.dtype == np.uint8
    assert (
        changed[:, 1].min() >= x - 1 and changed[:, 0].max() <= y + height + 1
    )  # the box, and the label on it
    assert (before == frame((face, 240, 150))).all()  # the frame that came is not drawn on


def test_a_mirrored_frame_is_turned_but_its_label_can_be_read(camera: Camera, face: Image.Image) -> None:
    camera.show(frame((face, 60, 150)))
    assert camera.session.snapshot().faces[0].box[0] < 200
    camera.session.settings = LiveSettings(mirror=True)
    camera.clock.now += 5  # the old face is forgotten
    out = camera.show(frame((face, 60, 150)))
    (seen,) = camera.session.snapshot().faces
    assert seen.box[0] > 640 - 220
    x, y, width, _ = seen.box
    assert (out[max(0, y - 20) : y, x : x + width] != np.array(GREY)).any(
        axis=2
    ).mean() > 0.3  # the label stands on the box


def test_two_faces_keep_their_numbers_when_they_cross_a_gap(camera: Camera, face: Image.Image) -> None:
    """They approach each other, disappear for half a second, and reappear on the other side."""
    mirrored = face.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    def step(i: int) -> dict[str, int]:
        camera.show(frame((face, 60 + 16 * i, 20), (mirrored, 430 - 16 * i, 270)))
        return {
            "upper" if seen.box[1] < 240 else "lower": seen.number for seen in camera.session.snapshot().faces
        }

    before = [step(i) for i in range(10)][-1]
    assert set(before.values()) == {1, 2}
    camera.show(frame(), 7)
    assert camera.session.snapshot().faces == ()
    assert step(17) == before


def test_a_face_keeps_its_number_when_the_browser_sends_smaller_frames(
    camera: Camera, face: Image.Image
) -> None:
    large = Image.fromarray(frame((face, 300, 200)))
    for sent in (large, large.resize((320, 240)), large):
        camera.show(np.asarray(sent), 3)
        assert [seen.number for seen in camera.session.snapshot().faces] == [1]


def test_a_face_keeps_its_number_when_frames_come_in_bursts(camera: Camera, face: Image.Image) -> None:
    """Two frames taken a 30th of a second apart arrive 2 ms apart, and then none for a third of a second."""
    camera.session.process(
        frame((face, 240, 150)), 100.0
    )  # a frame that comes at once: the camera's clock is known from it
    for i in range(2, 26):
        camera.clock.now += 0.35 if i % 2 == 0 else 0.002
        captured = 99.95 + 0.352 * (i // 2) - 0.352 + (i % 2) / 30
        camera.session.process(frame((face, 240 + 6 * (i % 2), 150)), captured)
        assert [seen.number for seen in camera.session.snapshot().faces] == [1]


def test_smoothing_follows_a_change_as_its_seconds_say(
    camera: Camera, face: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = camera.session._predictor.classifier  # type: ignore[union-attr]
    happy = classifier.labels.index("happy")
    answer = np.full(len(classifier.labels), 0.0, np.float32)

    def as_told(images: np.ndarray) -> np.ndarray:
        return np.tile(answer, (len(images), 1))

    monkeypatch.setattr(classifier, "probabilities", as_told)

    def share(seconds: float) -> float:
        """Return the share of the change that is visible after half a second."""
        camera.session.settings = LiveSettings(smoothing=seconds, mirror=False)
        camera.clock.now += 5
        answer[:] = 0
        answer[happy - 1] = 1
        camera.show(frame((face, 240, 150)))
        answer[:] = 0
        answer[happy] = 1
        camera.show(frame((face, 240, 150)), round(0.5 / STEP))
        return camera.session.snapshot().faces[0].probabilities["happy"]

    assert share(0.0) == pytest.approx(1)
    assert share(0.5) == pytest.approx(1 - np.exp(-round(0.5 / STEP) * STEP / 0.5), abs=0.01)
    assert share(2.0) == pytest.approx(1 - np.exp(-round(0.5 / STEP) * STEP / 2), abs=0.01)


def test_below_the_threshold_a_face_is_unsure(camera: Camera, face: Image.Image) -> None:
    camera.session.settings = LiveSettings(unsure_below=1.0, mirror=False)
    unsure = camera.show(frame((face, 240, 150)), 2)
    assert camera.session.snapshot().faces[0].unsure
    camera.session.settings = LiveSettings(unsure_below=0.1, mirror=False)
    sure = camera.show(frame((face, 240, 150)))
    assert not camera.session.snapshot().faces[0].unsure
    assert (unsure != sure).any()


@pytest.mark.parametrize("wrong", [{"smoothing": -1}, {"smoothing": 60}, {"unsure_below": 1.5}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LiveSettings(**wrong)


def test_the_last_minute_is_kept_and_nothing_grows(
    camera: Camera, face: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fer_core.live.session as module

    seen = camera.session._predictor.predict(frame((face, 240, 150)))  # type: ignore[union-attr]
    monkeypatch.setattr(module, "_detect", lambda predictor, frame: seen)  # 100 seconds in a moment
    small = np.zeros((48, 64, 3), np.uint8)

    def size() -> tuple[int, ...]:
        stored = camera.session
        return (
            len(stored._meter._answers),
            len(stored._meter._bases),
            sum(map(len, stored._histories._points.values())),
            len(stored._smoother._state),
        )

    for _ in range(round(70 / STEP)):
        camera.clock.now += STEP
        camera.session.process(small, captured=camera.clock.now - 0.01)
    (history,) = camera.session.snapshot().histories.values()
    assert 55 < history.ages[0] <= 60 and history.ages[-1] < 1 and (np.diff(history.ages) < 0).all()
    assert history.probabilities.shape == (len(history.ages), 7)
    before = size()
    for i in range(round(70 / STEP)):
        camera.clock.now += STEP + (2 if i % 15 == 0 else 0)  # a gap: each time the face gets a new number
        camera.session.process(small, captured=camera.clock.now - 0.01)
    assert len(camera.session.snapshot().histories) <= 12
    assert all(after <= max(12, most) for after, most in zip(size(), before, strict=True))


def test_dropped_frames_and_the_delay_are_counted(camera: Camera, face: Image.Image) -> None:
    """Of 30 frames a second every second one is seen, 20 ms after its capture, and sometimes 50 ms later."""
    for i in range(60):
        camera.clock.now += 2 / 30
        late = 0.05 if i % 10 == 0 else 0.0
        camera.session.process(frame(), captured=camera.clock.now - 1000 - 0.02 - late, unseen=1)
    figures = camera.session.snapshot().figures
    assert (figures.frames, figures.dropped) == (120, 60)
    assert figures.frames_per_second == pytest.approx(15, rel=0.05)
    assert figures.delay == pytest.approx(0, abs=0.001)  # the fastest way from the camera cannot be known
    assert figures.delay_95 == pytest.approx(0.05, abs=0.001)
    camera.clock.now += 6
    stopped = camera.session.snapshot().figures
    assert stopped.frames_per_second == 0 and stopped.delay is None


def test_the_work_on_a_frame_is_part_of_its_delay(
    camera: Camera, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fer_core.live.session as module

    def slow(*_: object) -> list[object]:
        clock.now += 0.03
        return []

    monkeypatch.setattr(module, "_detect", slow)
    for i in range(10):
        clock.now = 200 + i / 10
        camera.session.process(frame(), captured=i / 10)
    assert camera.session.snapshot().figures.delay == pytest.approx(0.03, abs=1e-6)


def test_a_frame_whose_turn_does_not_come_shows_the_last_boxes_and_counts_as_dropped(
    face: Image.Image, clock: Clock
) -> None:
    turns = FrameScheduler(max_concurrent=1)
    session = LiveSession(find_bundle(PHOTO_MODEL), LiveSettings(mirror=False), turns, clock)
    camera = Camera(session, clock)
    marked = camera.show(frame((face, 240, 150)), 2)
    with turns.turn(1):  # another session is busy for long
        out = camera.show(frame((face, 240, 150)))
    assert (out == marked).all()
    assert session.snapshot().figures.dropped == 1
    session.close()


def test_calibration_moves_a_resting_face_towards_neutral_and_can_be_forgotten(
    camera: Camera, face: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = camera.session._predictor.classifier  # type: ignore[union-attr]
    labels = classifier.labels

    def as_told(images: np.ndarray) -> np.ndarray:
        row = np.array([{"sad": 0.5, "neutral": 0.3}.get(label, 0.2 / 5) for label in labels], np.float32)
        return np.tile(row, (len(images), 1))

    monkeypatch.setattr(classifier, "probabilities", as_told)
    camera.session.settings = LiveSettings(smoothing=0, mirror=False)
    resting = frame((face, 240, 150))

    def now() -> dict[str, float]:
        camera.show(resting)
        return camera.session.snapshot().faces[0].probabilities

    assert max(now(), key=now().__getitem__) == "sad"
    camera.session.calibrate(3)
    camera.show(resting, 15)
    assert camera.session.snapshot().calibration.seconds_left == pytest.approx(2, abs=0.1)
    camera.show(resting, 32)
    reported = camera.session.snapshot()
    assert reported.calibration.holds and reported.calibration.face == 1 and reported.faces[0].calibrated
    after = now()
    assert max(after, key=after.__getitem__) == "neutral" and after["sad"] < 0.25
    camera.session.forget()
    again = now()
    assert again["sad"] == pytest.approx(0.5, abs=0.01) and not camera.session.snapshot().calibration.holds


def test_calibration_is_of_one_face_only(camera: Camera, face: Image.Image) -> None:
    large = face.resize((210, 238))
    camera.show(frame((face, 20, 40), (large, 380, 160)), 2)
    camera.session.calibrate(1)
    camera.show(frame((face, 20, 40), (large, 380, 160)), 20)
    by_place = sorted(camera.session.snapshot().faces, key=lambda seen: seen.box[0])
    assert [seen.calibrated for seen in by_place] == [False, True]  # the larger one


def test_calibration_without_a_face_reports_it(camera: Camera) -> None:
    camera.session.calibrate(1)
    camera.show(frame(), 20)
    reported = camera.session.snapshot().calibration
    assert (
        reported.seconds_left is None
        and not reported.holds
        and "in view for only 0.0 of 1 seconds" in str(reported.problem)
    )


def test_a_closed_session_is_freed_and_shows_frames_as_they_are(face: Image.Image) -> None:
    turns = FrameScheduler(max_concurrent=1, max_sessions=1)
    session = LiveSession(find_bundle(PHOTO_MODEL), scheduler=turns)
    session.process(frame((face, 240, 150)))
    predictor = weakref.ref(session._predictor)
    session.close()
    gc.collect()
    assert predictor() is None and turns.sessions == 0
    assert session.process(frame((face, 240, 150))) is not None
    assert session.snapshot().faces == () and session.snapshot().histories == {}
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None


def test_closing_does_not_wait_for_the_frame_that_is_worked_on(
    face: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fer_core.live.session as module

    session = LiveSession(find_bundle(PHOTO_MODEL))
    found = session._predictor.predict(frame((face, 240, 150)))  # type: ignore[union-attr]
    working, finish = threading.Event(), threading.Event()

    def slow(*_: object) -> list[FacePrediction]:
        working.set()
        finish.wait(20)
        return found

    monkeypatch.setattr(module, "_detect", slow)
    thread = threading.Thread(target=session.process, args=(frame(),))
    thread.start()
    assert working.wait(20)
    session.close()
    assert session.closed and thread.is_alive()
    finish.set()
    thread.join(20)
    assert session.snapshot().faces == ()


def test_switching_the_model_forgets_earlier_results(camera: Camera, face: Image.Image) -> None:
    camera.show(frame((face, 240, 150)), 3)
    camera.session.use(find_bundle("standard"))
    assert (
        camera.session.snapshot().histories == {}
        and camera.session.model.name == find_bundle("standard").name
    )
    camera.show(frame((face, 240, 150)))
    assert camera.session.snapshot().faces[0].label == "happy"
