"""Live session: takes a frame, returns the annotated frame, and offers a snapshot of everything else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from ..bundles.bundle import Bundle
from ..errors import ConfigError
from ..inference import Face, FacePrediction, Predictor
from ..inference.drawing import draw_marks, mark
from ..inference.predict import Classified
from ..video import Smoother, Tracker
from . import neutral
from .calibration import Calibration, Calibrator
from .frame_rate import FrameRateMeter, FrameStatistics
from .frame_scheduler import FrameScheduler
from .history import Histories, History

# Faces are detected at this size, which takes a quarter of the time of 640x480. Of 89 real faces pasted on
# such frames YuNet finds all of 200 pixels, 88 of 100 and 81 of 70 (all of them on the full frame); at 320
# and below the detector adds a border, which takes half as much time again.
_SEARCH_SIDE = 336
_MAX_FACES = 8  # the largest faces of a frame that are classified
_UNIT = 640  # length of a frame's longer side for the tracker, in pixels
_OUT_OF_SIGHT = 2.0  # seconds for which a face keeps its number: people look away and turn back
_PATIENCE = 0.25  # seconds for which a frame waits for its turn; a later answer would not look live

LONGEST_SMOOTHING = 3.0


@dataclass(frozen=True)
class LiveSettings:
    """Settings that can change while a session runs.

    Raises:
        ConfigError: A value is out of its range.
    """

    # Time constant in seconds; 0 shows each frame by itself.
    smoothing: float = 0.5
    unsure_below: float = 0.0  # smoothed confidence below which a face gets no label
    mirror: bool = True  # people are used to their mirror image

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing <= LONGEST_SMOOTHING:
            raise ConfigError(
                f"smoothing must be from 0 to {LONGEST_SMOOTHING:g} seconds, got {self.smoothing}."
            )
        if not 0 <= self.unsure_below <= 1:
            raise ConfigError(f"unsure_below must be from 0 to 1, got {self.unsure_below}.")


@dataclass(frozen=True)
class LiveFace(Classified):
    """Face in the newest frame."""

    number: int  # constant while the face is in view, and over short gaps
    box: tuple[int, int, int, int]  # x, y, width, height in pixels of the annotated frame
    probabilities: dict[str, float]  # smoothed, calibrated; by label name, sums to 1
    unsure: bool
    calibrated: bool


@dataclass(frozen=True)
class Snapshot:
    """State of a session."""

    labels: tuple[str, ...]
    faces: tuple[LiveFace, ...]  # by number
    histories: dict[int, History]  # of the last minute, by number; including faces that have left
    figures: FrameStatistics
    calibration: Calibration


class LiveSession:
    """Session of one person's webcam with one model. All methods may be called from any thread.

    It has a detector and a network of its own, since sessions would wait for each other's frames if they
    shared them.

    Args:
        model: Bundle of the model.
        scheduler: Scheduler shared with the other sessions of this process; by default the session is alone.
        clock: Seconds from any moment.

    Raises:
        ModelError: The bundle cannot be used.
        LiveError: All slots of the scheduler are taken.
    """

    def __init__(
        self,
        model: Bundle,
        settings: LiveSettings | None = None,
        scheduler: FrameScheduler | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards the state
        self._working = threading.Lock()  # held for one frame
        self._settings = settings or LiveSettings()
        self._meter = FrameRateMeter()
        self._closed = False
        self._moment = 0.0  # time of the newest frame
        self._slot = (scheduler or FrameScheduler()).join()
        try:
            self._take(model, _warm(model))
        except BaseException:
            self._slot.leave()
            raise

    def _take(self, model: Bundle, predictor: Predictor | None) -> None:
        self._model, self._predictor = model, predictor
        self._tracker, self._smoother, self._histories = (
            Tracker(_OUT_OF_SIGHT),
            Smoother(self._settings.smoothing),
            Histories(),
        )
        self._calibrator: Calibrator | None = None
        self._faces: tuple[LiveFace, ...] = ()

    @property
    def model(self) -> Bundle:
        return self._model

    @property
    def settings(self) -> LiveSettings:
        return self._settings

    @settings.setter
    def settings(self, settings: LiveSettings) -> None:
        self._settings = settings  # frozen, so a frame uses either all old settings or all new ones

    @property
    def closed(self) -> bool:
        return self._closed

    def use(self, model: Bundle) -> None:
        """Switch to another model, and forget all results of the old one, including the calibration.

        Raises:
            ModelError: The bundle cannot be used; the old model stays.
        """
        predictor = _warm(model)
        with self._lock:
            if not self._closed:
                self._take(model, predictor)

    def process(self, frame: np.ndarray, captured: float | None = None, unseen: int = 0) -> np.ndarray:
        """Find, number, classify and mark the faces of a frame.

        Args:
            frame: (H, W, 3) uint8 RGB.
            captured: The camera's clock at the capture, in seconds from any moment; for the delay.
            unseen: Frames that arrived since the last call and were skipped.

        Returns:
            (H, W, 3) uint8 RGB, mirrored if the settings say so. If the turn did not come in time, the frame
            with the previous marks, and it counts as dropped; after `close`, the frame itself.
        """
        came = self._clock()
        with self._working:
            with self._lock:
                predictor, settings = self._predictor, self._settings
                self._meter.arrived(came, captured, unseen)
            if predictor is None:
                return frame
            if settings.mirror:
                frame = cv2.flip(frame, 1)
            picture = Image.fromarray(frame)
            with self._slot.turn(_PATIENCE) as has_turn:
                predictions = _detect(predictor, frame) if has_turn else None
            with self._lock:
                if self._predictor is not predictor:  # closed or switched to another model meanwhile
                    return frame
                if predictions is None:
                    self._meter.dropped()
                else:
                    # By capture time: frames arrive in bursts, in which a face would seem to jump.
                    self._moment = max(self._moment, self._meter.moment(came, captured))
                    self._follow(predictions, max(picture.size), settings, self._moment)
                faces = self._faces
            draw_marks(
                picture,
                [mark(face.box, face.probabilities, settings.unsure_below, face.number) for face in faces],
            )
            if predictions is not None:
                with self._lock:
                    self._meter.answered(self._clock(), came, captured)
            return np.asarray(picture)

    def _follow(
        self, predictions: list[FacePrediction], side: int, settings: LiveSettings, now: float
    ) -> None:
        # In shares of the frame: a browser changes the size of its frames when the network or its processor
        # is busy.
        numbers = self._tracker.update(
            now, [[_UNIT * value / side for value in face.box] for face in predictions]
        )
        seen = {
            number: np.array(list(face.probabilities.values()))
            for number, face in zip(numbers, predictions, strict=True)
        }
        if self._calibrator is not None:
            self._calibrator.update(now, seen, numbers[0] if numbers else None)
        self._smoother.seconds = settings.smoothing
        self._smoother.keep(self._tracker.numbers)
        faces = []
        for number, face in zip(numbers, predictions, strict=True):
            shift = self._calibrator.offset(number) if self._calibrator is not None else None
            values = seen[number] if shift is None else neutral.corrected(seen[number], shift)
            smoothed = self._smoother.update(number, now, values)
            self._histories.add(now, number, smoothed)
            probabilities = {name: float(p) for name, p in zip(face.probabilities, smoothed, strict=True)}
            faces.append(
                LiveFace(
                    number,
                    face.box,
                    probabilities,
                    bool(smoothed.max() < settings.unsure_below),
                    shift is not None,
                )
            )
        self._histories.prune(now)
        self._faces = tuple(sorted(faces, key=lambda face: face.number))

    def calibrate(self, seconds: float = 3.0) -> None:
        """Start a neutral calibration with the largest face, see `neutral`.

        It applies to that person until the end of the session, also after a gap if no one else is in view.

        Raises:
            ModelError: The model has no class neutral.
            ConfigError: `seconds` is not from 1 to 10.
        """
        if not 1 <= seconds <= 10:
            raise ConfigError(f"A calibration takes from 1 to 10 seconds, got {seconds}.")
        with self._lock:
            self._calibrator = Calibrator(neutral.reference(self._model))
            self._calibrator.begin(self._clock(), seconds)

    def forget(self) -> None:
        """Cancel or undo the calibration."""
        with self._lock:
            self._calibrator = None

    def snapshot(self) -> Snapshot:
        """Return the present state."""
        with self._lock:
            now = self._clock()
            return Snapshot(
                self._model.labels,
                self._faces,
                self._histories.snapshot(now),
                self._meter.figures(now),
                self._calibrator.state(now) if self._calibrator is not None else Calibration(),
            )

    def close(self) -> None:
        """Leave the scheduler and release the network and all results, even with a frame in progress."""
        with self._lock:
            self._closed = True
            self._take(self._model, None)
            self._meter = FrameRateMeter()
        self._slot.leave()


def _warm(model: Bundle) -> Predictor:
    """Return a predictor after a first picture, since the first use takes as long as ten frames."""
    predictor = Predictor(model)
    blank = np.zeros((_SEARCH_SIDE * 3 // 4, _SEARCH_SIDE, 3), np.uint8)
    _detect(predictor, blank)
    predictor.classify(blank, [Face((0, 0, 48, 48), 1.0)])
    tracker = Tracker()
    for time_ in (0.0, 0.1):
        tracker.update(time_, [(0, 0, 48, 48)])
    return predictor


def _detect(predictor: Predictor, frame: np.ndarray) -> list[FacePrediction]:
    """Return the faces of a frame, the largest first."""
    height, width = frame.shape[:2]
    shrunk = max(1.0, max(height, width) / _SEARCH_SIDE)
    # Linear: area averaging takes 20 times as long at such a ratio, and finds no more faces.
    small = cv2.resize(frame, (round(width / shrunk), round(height / shrunk))) if shrunk > 1 else frame
    faces = sorted(
        predictor.detector.detect(small, one_look=True), key=lambda face: -face.box[2] * face.box[3]
    )[:_MAX_FACES]
    scale = np.array([width / small.shape[1], height / small.shape[0]])
    return predictor.classify(frame, [_scaled(face, scale) for face in faces])


def _scaled(face: Face, scale: np.ndarray) -> Face:
    x, y, w, h = (np.array(face.box).reshape(2, 2) * scale).ravel().tolist()
    return Face((x, y, w, h), face.score, None if face.landmarks is None else face.landmarks * scale)
