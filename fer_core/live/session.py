"""One live session: frame in, annotated frame out, and a snapshot of everything else for whoever looks on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from ..bundle import Bundle
from ..errors import ConfigError
from ..inference import Face, FacePrediction, Predictor
from ..inference.drawing import draw_marks, mark
from ..inference.predict import Judged
from ..video import Smoother, Tracker
from . import neutral
from .calibration import Calibration, Calibrator
from .history import Histories, History
from .pace import Figures, Pace
from .turns import Turns

# Faces are looked for at this size, which costs a quarter of 640x480. Of 89 real faces pasted on such frames YuNet finds so all of 200
# pixels, 88 of 100 and 81 of 70 (on the whole frame all); at 320 and below the detector adds a border, which costs half as much again.
_SEARCH_SIDE = 336
_MOST_FACES = 8  # of a frame are classified, the largest
_UNIT = 640  # pixels that the longer side of a frame has for the tracker
_OUT_OF_SIGHT = 2.0  # seconds for which a face keeps its number: people look away, and turn back
_PATIENCE = 0.25  # seconds that a frame waits for its turn; later, nobody would take its answer for live

LONGEST_SMOOTHING = 3.0


@dataclass(frozen=True)
class LiveSettings:
    """What can be changed while a session runs.

    Raises:
        ConfigError: one is out of its range.
    """

    smoothing: float = (
        0.5  # seconds after which a change has come through to 63 %; 0 shows each frame by itself
    )
    unsure_below: float = 0.0  # a face gets no label where the smoothed confidence is less
    mirror: bool = True  # as people know themselves from a mirror

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing <= LONGEST_SMOOTHING:
            raise ConfigError(
                f"smoothing must be from 0 to {LONGEST_SMOOTHING:g} seconds, got {self.smoothing}."
            )
        if not 0 <= self.unsure_below <= 1:
            raise ConfigError(f"unsure_below must be from 0 to 1, got {self.unsure_below}.")


@dataclass(frozen=True)
class LiveFace(Judged):
    """A face in the newest frame."""

    number: int  # stays with the face while it is in view, and over short gaps
    box: tuple[int, int, int, int]  # x, y, width, height in pixels of the annotated frame
    probabilities: dict[str, float]  # smoothed, calibrated; by label name, sums to 1
    unsure: bool
    calibrated: bool


@dataclass(frozen=True)
class Snapshot:
    """A session as it stands."""

    labels: tuple[str, ...]
    faces: tuple[LiveFace, ...]  # by number
    histories: dict[int, History]  # of the last minute, by number; also of faces that have left
    figures: Figures
    calibration: Calibration


class LiveSession:
    """One person's webcam with one model. All methods may be called from any thread.

    The detector and the network are its own, since shared ones would let sessions wait for each other's frames.

    Args:
        model: its bundle.
        turns: the round that it shares with other sessions of this process; by default it is alone.
        clock: seconds from any moment.

    Raises:
        ModelError: the bundle cannot be used.
        LiveError: the round is full.
    """

    def __init__(
        self,
        model: Bundle,
        settings: LiveSettings | None = None,
        turns: Turns | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # around what is kept
        self._working = threading.Lock()  # around one frame
        self._settings = settings or LiveSettings()
        self._pace = Pace()
        self._closed = False
        self._moment = 0.0  # of the newest frame
        self._seat = (turns or Turns()).join()
        try:
            self._take(model, _warm(model))
        except BaseException:
            self._seat.leave()
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
        self._settings = settings  # frozen, so a frame sees either all of the old ones or all of the new ones

    @property
    def closed(self) -> bool:
        return self._closed

    def use(self, model: Bundle) -> None:
        """Go on with another model. What was seen with the old one, the calibration too, is forgotten.

        Raises:
            ModelError: the bundle cannot be used; the old one stays.
        """
        predictor = _warm(model)
        with self._lock:
            if not self._closed:
                self._take(model, predictor)

    def process(self, frame: np.ndarray, captured: float | None = None, unseen: int = 0) -> np.ndarray:
        """Find, number, classify and mark the faces of a frame.

        Args:
            frame: (H, W, 3) uint8 RGB.
            captured: the camera's clock when it was taken, in seconds from any moment; for the delay.
            unseen: frames that came since the last call and were thrown away for this one.

        Returns:
            (H, W, 3) uint8 RGB, mirrored if the settings say so. Where the turn did not come in time, the frame with the marks of the last
            one, and it counts as dropped; after `close`, the frame as it is.
        """
        came = self._clock()
        with self._working:
            with self._lock:
                predictor, settings = self._predictor, self._settings
                self._pace.came(came, captured, unseen)
            if predictor is None:
                return frame
            if settings.mirror:
                frame = cv2.flip(frame, 1)
            picture = Image.fromarray(frame)
            with self._seat.turn(_PATIENCE) as mine:
                found = _look(predictor, picture, frame) if mine else None
            with self._lock:
                if self._predictor is not predictor:  # closed or another model meanwhile
                    return frame
                if found is None:
                    self._pace.dropped()
                else:
                    # By when it was captured: frames arrive in bursts, and between two a tracker would see a face fly.
                    self._moment = max(self._moment, self._pace.moment(came, captured))
                    self._follow(found, max(picture.size), settings, self._moment)
                faces = self._faces
            draw_marks(
                picture,
                [mark(face.box, face.probabilities, settings.unsure_below, face.number) for face in faces],
            )
            if found is not None:
                with self._lock:
                    self._pace.answered(self._clock(), came, captured)
            return np.asarray(picture)

    def _follow(self, found: list[FacePrediction], side: int, settings: LiveSettings, now: float) -> None:
        # In shares of the frame: a browser sends smaller frames when the network or its processor is busy, and larger ones again.
        numbers = self._tracker.update(now, [[_UNIT * value / side for value in face.box] for face in found])
        seen = {
            number: np.array(list(face.probabilities.values()))
            for number, face in zip(numbers, found, strict=True)
        }
        if self._calibrator is not None:
            self._calibrator.look(now, seen, numbers[0] if numbers else None)
        self._smoother.seconds = settings.smoothing
        self._smoother.keep(self._tracker.numbers)
        faces = []
        for number, face in zip(numbers, found, strict=True):
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
        """From now on for some seconds, take the largest face for neutral, and then take out of its answers what the model sees in it at
        rest (see `neutral`). It is that person's for as long as the session lasts, also after a gap if nobody else is in view.

        Raises:
            ModelError: the model does not know the class neutral.
            ConfigError: `seconds` is not from 1 to 10.
        """
        if not 1 <= seconds <= 10:
            raise ConfigError(f"A calibration takes from 1 to 10 seconds, got {seconds}.")
        with self._lock:
            self._calibrator = Calibrator(neutral.reference(self._model))
            self._calibrator.begin(self._clock(), seconds)

    def forget(self) -> None:
        """Undo the calibration, or break it off."""
        with self._lock:
            self._calibrator = None

    def snapshot(self) -> Snapshot:
        """Everything that can be shown, as it stands."""
        with self._lock:
            now = self._clock()
            return Snapshot(
                self._model.labels,
                self._faces,
                self._histories.of_all(now),
                self._pace.figures(now),
                self._calibrator.state(now) if self._calibrator is not None else Calibration(),
            )

    def close(self) -> None:
        """Give the seat back and let go of the network and of all that was seen. It does not wait for a frame that is being worked on."""
        with self._lock:
            self._closed = True
            self._take(self._model, None)
            self._pace = Pace()
        self._seat.leave()


def _warm(model: Bundle) -> Predictor:
    """A predictor that has seen a picture, and a tracker loaded: the first of each takes as long as ten frames."""
    predictor = Predictor(model)
    blank = np.zeros((_SEARCH_SIDE * 3 // 4, _SEARCH_SIDE, 3), np.uint8)
    _look(predictor, Image.fromarray(blank), blank)
    predictor.classify(Image.fromarray(blank), [Face((0, 0, 48, 48), 1.0)])
    tracker = Tracker()
    for time_ in (0.0, 0.1):
        tracker.update(time_, [(0, 0, 48, 48)])
    return predictor


def _look(predictor: Predictor, picture: Image.Image, frame: np.ndarray) -> list[FacePrediction]:
    """The faces of a frame, the largest first."""
    height, width = frame.shape[:2]
    shrunk = max(1.0, max(height, width) / _SEARCH_SIDE)
    # Linear: averaging areas takes 20 times as long at such a ratio, and finds no more.
    small = cv2.resize(frame, (round(width / shrunk), round(height / shrunk))) if shrunk > 1 else frame
    faces = sorted(predictor.detector.detect(small), key=lambda face: -face.box[2] * face.box[3])[
        :_MOST_FACES
    ]
    scale = np.array([width / small.shape[1], height / small.shape[0]])
    return predictor.classify(picture, [_scaled(face, scale) for face in faces])


def _scaled(face: Face, scale: np.ndarray) -> Face:
    x, y, w, h = (np.array(face.box).reshape(2, 2) * scale).ravel().tolist()
    return Face((x, y, w, h), face.score, None if face.landmarks is None else face.landmarks * scale)
