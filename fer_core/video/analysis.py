"""Analysis of the faces in a video, or in any other sequence of frames such as a camera's."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from ..errors import ConfigError
from ..imaging import SIZE
from ..inference import Classifier, FacePrediction, Predictor
from ..inference.input_warnings import input_warnings, warning_bits
from .reader import MAX_SECONDS, VideoReader
from .smoothing import Smoother
from .timeline import Timeline, Track
from .tracker import Tracker

# Frames per second: visible expressions last longer than half a second, so each is seen twice.
DEFAULT_RATE = 5.0
DEFAULT_SMOOTHING = 0.5  # seconds
_LOOK_AGAIN = 10  # every so many frames without a face one is searched thoroughly


@dataclass(frozen=True)
class FollowedFace:
    """Tracked face in one frame."""

    number: int  # the same in all frames
    prediction: FacePrediction
    smoothed: np.ndarray  # (C,) float32 in the order of the model's labels


class FaceFollower:
    """Detector, tracker and classifier of the faces in successive frames, with smoothed probabilities."""

    def __init__(
        self, predictor: Predictor, smoothing: float = DEFAULT_SMOOTHING, max_gap: float = 1.0
    ) -> None:
        """Create a follower without faces.

        Args:
            predictor: Detector and model.
            smoothing: Seconds, see `Smoother`; 0 for none.
            max_gap: Seconds for which a face may be out of sight and keep its number.
        """
        self.predictor = predictor
        self._tracker = Tracker(max_gap)
        self._smoother = Smoother(smoothing)
        self._empty = 0  # frames without a face, one after the other

    def follow(self, time: float, picture: np.ndarray | Image.Image) -> list[FollowedFace]:
        """Return the faces of the frame at `time` seconds, from left to right.

        Args:
            time: Not before that of the last frame.
            picture: (H, W, 3) uint8 RGB, (H, W) grey, or a Pillow image.
        """
        # A thorough search of each frame would take too long; one of some finds turned and small faces.
        one_look = self._empty % _LOOK_AGAIN != _LOOK_AGAIN - 1
        predictions = self.predictor.predict(picture, one_look=one_look)
        self._empty = 0 if predictions else self._empty + 1
        numbers = self._tracker.update(time, [face.box for face in predictions])
        self._smoother.keep(self._tracker.numbers)
        labels = self.predictor.classifier.labels
        rows = [np.array([face.probabilities[name] for name in labels], np.float32) for face in predictions]
        return [
            FollowedFace(number, face, self._smoother.update(number, time, row))
            for number, face, row in zip(numbers, predictions, rows, strict=True)
        ]


@dataclass
class _Sights:
    """Sights of one face so far, about 100 bytes each.

    They are stored in a few growing arrays: many small ones would fragment the memory of the frames (300 MB
    in ten minutes).
    """

    frames: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    boxes: array[int] = field(default_factory=lambda: array("i"))
    scores: array[float] = field(default_factory=lambda: array("f"))
    probabilities: array[float] = field(default_factory=lambda: array("f"))
    smoothed: array[float] = field(default_factory=lambda: array("f"))
    landmarks: array[float] = field(default_factory=lambda: array("f"))
    rotations: array[int] = field(default_factory=lambda: array("h"))
    warnings: array[int] = field(default_factory=lambda: array("h"))
    best: float = -1.0  # score
    crop: np.ndarray = field(default_factory=lambda: np.empty((SIZE, SIZE), np.uint8))  # with the best score

    def add(self, index: int, time: float, face: FollowedFace, labels: tuple[str, ...]) -> None:
        prediction = face.prediction
        self.frames.append(index)
        self.times.append(time)
        self.boxes.extend(prediction.box)
        self.scores.append(prediction.score)
        self.probabilities.extend(prediction.probabilities[name] for name in labels)
        self.smoothed.extend(face.smoothed.tolist())
        landmarks = prediction.landmarks
        self.landmarks.extend([np.nan] * 10 if landmarks is None else landmarks.ravel().tolist())
        self.rotations.append(prediction.rotation)
        self.warnings.append(warning_bits(input_warnings(prediction)))
        if prediction.score > self.best:
            self.best = prediction.score
            self.crop[:] = prediction.crop

    def track(self, number: int) -> Track:
        n = len(self.times)
        return Track(
            number,
            np.array(self.frames, np.int64),
            np.array(self.times),
            np.array(self.boxes, np.int32).reshape(n, 4),
            np.array(self.scores, np.float32),
            np.array(self.probabilities, np.float32).reshape(n, -1),
            np.array(self.smoothed, np.float32).reshape(n, -1),
            self.crop.copy(),
            np.array(self.landmarks, np.float32).reshape(n, 5, 2),
            np.array(self.rotations, np.int16),
            np.array(self.warnings, np.int16),
        )


class TimelineBuilder:
    """Collector of tracked faces into a `Timeline`."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier, self._labels = classifier, classifier.labels
        self._times = array("d")
        self._sights: dict[int, _Sights] = {}

    def add(self, index: int, time: float, faces: list[FollowedFace]) -> None:
        """Add the faces of the frame `index` at `time` seconds."""
        self._times.append(time)
        for face in faces:
            self._sights.setdefault(face.number, _Sights()).add(index, time, face, self._labels)

    def timeline(
        self,
        name: str,
        width: int,
        height: int,
        duration: float,
        smoothing: float,
        *,
        complete: bool = True,
        damaged: int = 0,
    ) -> Timeline:
        """Return the timeline of all added faces; the arguments are the fields of `Timeline`."""
        tracks = tuple(sights.track(number) for number, sights in sorted(self._sights.items()))
        return Timeline(
            name,
            self._labels,
            width,
            height,
            duration,
            np.array(self._times),
            tracks,
            smoothing,
            complete,
            damaged,
            self._classifier.bundle.name,
            self._classifier.version,
        )


def analyse_video(
    source: str | Path | BinaryIO,
    predictor: Predictor,
    *,
    name: str | None = None,
    rate: float | None = DEFAULT_RATE,
    every: int | None = None,
    smoothing: float = DEFAULT_SMOOTHING,
    max_seconds: float = MAX_SECONDS,
    on_progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Timeline:
    """Analyse the faces of a video. Frames are streamed, so memory grows only with the sights of faces.

    Args:
        source: A path, or an open binary file such as an upload.
        predictor: Detector and model.
        name: Name in error messages and in the timeline.
        rate: Analyse so many frames per second; None for all.
        every: Analyse every n-th frame instead.
        smoothing: Seconds, see `Smoother`.
        max_seconds: Length above which a video is refused.
        on_progress: Called after each frame with the share that is done, 0 to 1.
        cancelled: Called before each frame; True stops, and the timeline contains what came before.

    Raises:
        VideoError: See `VideoReader`.
        ConfigError: `rate`, `every` or `smoothing` is out of its range.
    """
    _check(rate, every, smoothing)
    follower = FaceFollower(predictor, smoothing)
    builder = TimelineBuilder(predictor.classifier)
    with VideoReader(source, name, max_seconds) as video:
        end, complete = 0.0, True
        for frame in video.frames(every=every or 1, rate=None if every else rate):
            if cancelled():
                complete = False
                break
            builder.add(frame.index, frame.time, follower.follow(frame.time, frame.pixels))
            end = frame.time
            on_progress(min(1.0, frame.time / video.duration) if video.duration else video.share_read)
        duration = video.duration if complete and video.duration else end
        return builder.timeline(
            video.name,
            video.width,
            video.height,
            duration,
            smoothing,
            complete=complete,
            damaged=video.damaged,
        )


def _check(rate: float | None, every: int | None, smoothing: float) -> None:
    if rate is not None and not 0 < rate <= 1000:
        raise ConfigError(
            f"The rate is in frames a second: expected more than 0 and at most 1000, got {rate:g}."
        )
    if every is not None and every < 1:
        raise ConfigError(f"Every n-th frame is looked at: expected n from 1, got {every}.")
    if not 0 <= smoothing <= 60:
        raise ConfigError(f"Smoothing is in seconds: expected 0 to 60, got {smoothing:g}.")
