"""Timeline of an analysed video: when and where each face was seen, and with which probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..inference import face_table
from ..inference.input_warnings import names_of_bits
from ..wording import printable

HOLD = 1.0  # seconds: a face that is unseen for longer is not drawn in between


@dataclass(frozen=True)
class Track:
    """Track of one face, seen n times, with the probabilities of C classes."""

    number: int  # 1, 2, ... in the order of first sight
    frames: np.ndarray  # (n,) int64 indices of frames in the file
    times: np.ndarray  # (n,) float64 seconds since the first frame
    boxes: np.ndarray  # (n, 4) int32 x, y, width, height in pixels of the upright frame
    scores: np.ndarray  # (n,) float32 detector confidence
    probabilities: np.ndarray  # (n, C) float32
    smoothed: np.ndarray  # (n, C) float32
    crop: np.ndarray  # (48, 48) uint8: the model's input with the highest detector confidence
    landmarks: np.ndarray  # (n, 5, 2) float32, pixels; NaN where the detector gives none
    rotations: np.ndarray  # (n,) int16 degrees, see `FacePrediction`
    warnings: np.ndarray  # (n,) int16, see `warning_bits`


@dataclass(frozen=True)
class SeenFace:
    """Face at one moment."""

    number: int
    box: tuple[int, int, int, int]
    probabilities: dict[str, float]  # smoothed


@dataclass(frozen=True)
class Timeline:
    """Faces of a video."""

    name: str
    labels: tuple[str, ...]
    width: int
    height: int
    duration: float  # analysed seconds
    times: np.ndarray  # (m,) float64: the analysed moments, with faces or without
    tracks: tuple[Track, ...]
    smoothing: float  # seconds, see `Smoother`
    complete: bool  # False if cancelled before the end
    damaged: int = 0  # parts of the file that could not be decoded and were skipped
    model: str = ""
    model_version: str = ""

    def at(self, time: float) -> list[SeenFace]:
        """Return the faces at a time in seconds, with interpolated boxes and the last probabilities."""
        hold = max(HOLD, 1.5 * float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0)
        last_hold = hold if len(self.times) < 2 else float(np.median(np.diff(self.times)))
        return [
            seen
            for track in self.tracks
            if (seen := _seen(track, self.labels, time, hold, last_hold)) is not None
        ]

    def rows(self, unsure_below: float = 0.0) -> Iterator[dict[str, Any]]:
        """Return one row for each face at each moment, in the order of time, see `face_table`.

        Label, confidence and unsure are those of the smoothed probabilities.
        """
        moments = sorted(
            (float(time), track.number, i, track)
            for track in self.tracks
            for i, time in enumerate(track.times)
        )
        for time, number, i, track in moments:
            confidence = float(track.smoothed[i].max())
            landmarks = None if np.isnan(track.landmarks[i]).any() else track.landmarks[i].astype(float)
            yield (
                {
                    "file": printable(self.name),
                    "frame": int(track.frames[i]),
                    "time": round(time, 3),
                    "face": number,
                }
                | dict(zip(face_table.BOX, map(float, track.boxes[i]), strict=True))
                | {"rotation": int(track.rotations[i]), "score": round(float(track.scores[i]), 4)}
                | face_table.landmark_cells(landmarks)
                | _named(self.labels, track.probabilities[i])
                | {
                    "label": self.labels[int(track.smoothed[i].argmax())],
                    "confidence": round(confidence, 4),
                    "unsure": confidence < unsure_below,
                    "warnings": names_of_bits(int(track.warnings[i])),
                    "model": self.model,
                    "model_version": self.model_version,
                    "error": None,
                }
                | {f"smoothed_{name}": p for name, p in _named(self.labels, track.smoothed[i]).items()}
            )

    def csv_text(self, unsure_below: float = 0.0) -> str:
        """Return the rows as CSV: the columns of `face_table`, and the smoothed probabilities."""
        names = [*face_table.columns(self.labels), *(f"smoothed_{name}" for name in self.labels)]
        return face_table.csv_text(self.rows(unsure_below), names)

    def as_json(self, unsure_below: float = 0.0) -> dict[str, Any]:
        """Return the form of `python -m fer_core predict --json` for a video.

        Args:
            unsure_below: Moments with less smoothed confidence are marked unsure.
        """
        return {
            "width": self.width,
            "height": self.height,
            "duration": round(self.duration, 3),
            "moments": len(self.times),
            "smoothing": self.smoothing,
            "complete": self.complete,
            "damaged": self.damaged,
            "tracks": [
                {
                    "face": track.number,
                    "from": round(float(track.times[0]), 3),
                    "to": round(float(track.times[-1]), 3),
                    "moments": [
                        {
                            "time": round(float(track.times[i]), 3),
                            "frame": int(track.frames[i]),
                            "box": track.boxes[i].tolist(),
                            "score": round(float(track.scores[i]), 4),
                            "label": self.labels[int(track.smoothed[i].argmax())],
                            "unsure": float(track.smoothed[i].max()) < unsure_below,
                            "probabilities": _named(self.labels, track.probabilities[i]),
                            "smoothed": _named(self.labels, track.smoothed[i]),
                        }
                        for i in range(len(track.times))
                    ],
                }
                for track in self.tracks
            ],
        }


def _named(labels: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    return {name: round(float(p), 4) for name, p in zip(labels, values, strict=True)}


def _seen(
    track: Track, labels: tuple[str, ...], time: float, hold: float, last_hold: float
) -> SeenFace | None:
    """Return the face at `time`, or None.

    It must be seen at most `hold` seconds before and after, or last seen `last_hold` seconds before.
    """
    i = int(np.searchsorted(track.times, time + 1e-6)) - 1
    if i < 0:
        return None
    box = track.boxes[i].astype(np.float64)
    since = time - track.times[i]
    until = track.times[i + 1] - track.times[i] if i + 1 < len(track.times) else None
    if until is None or until > hold:
        if since > last_hold:
            return None
    else:
        box += (track.boxes[i + 1] - box) * (since / until)
    x, y, width, height = (int(value) for value in np.rint(box))
    return SeenFace(
        track.number,
        (x, y, width, height),
        {name: float(p) for name, p in zip(labels, track.smoothed[i], strict=True)},
    )
