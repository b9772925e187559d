"""Analysis of the files of a request: pictures and videos by one model."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import imaging
from ..diagnostics import log
from ..errors import ImageError, VideoError
from ..inference import Predictor
from ..inference.face_table import face_row
from ..picture_files import HEAD_BYTES
from ..video import analyse_video
from ..video.reader import is_video
from .answers import FaceBody, FileBody, PredictionBody
from .limits import Limits
from .problem import Problem


@dataclass(frozen=True)
class Options:
    """Parameters of a request."""

    detect: bool
    unsure_below: float  # 0 to 1
    rate: float  # frames of a video that are analysed, per second


@dataclass(frozen=True)
class FileAnswer:
    """What one file gave."""

    faces: list[FaceBody]
    file: FileBody
    status: int = 200  # of a request with this file alone


def analyse_file(
    predictor: Predictor, name: str, content: bytes, options: Options, limits: Limits
) -> FileAnswer:
    """Find and classify the faces of a picture or video; what cannot be read gives its sentence."""
    begun = time.perf_counter()
    is_film = is_video(name, content[:HEAD_BYTES])
    try:
        answer = (_video if is_film else _picture)(predictor, name, content, options, limits)
    except Problem as problem:
        return _failed(name, problem.sentence, problem.status)
    except (ImageError, VideoError) as error:
        return _failed(name, str(error), 400)
    log.event(
        "video classified" if is_film else "photo classified",
        faces=len(answer.faces),
        milliseconds=round(1000 * (time.perf_counter() - begun)),
    )
    return answer


def joined(predictor: Predictor, answers: Iterable[FileAnswer], seconds: float) -> PredictionBody:
    """Return the answer to a request.

    Args:
        predictor: Detector and model.
        answers: Those of its files, at least one.
        seconds: That the analysis took.

    Raises:
        Problem: None of the files could be read; the reason of the first one.
    """
    answers = list(answers)
    first = answers[0]
    if all(answer.file.error for answer in answers):
        raise Problem(first.status, str(first.file.error))
    return PredictionBody(
        model=predictor.classifier.bundle.name,
        faces=[face for answer in answers for face in answer.faces],
        files=[answer.file for answer in answers],
        frame=first.file.frame,
        frames=first.file.frames,
        notes=first.file.notes,
        seconds=round(seconds, 4),
    )


def _picture(predictor: Predictor, name: str, content: bytes, options: Options, limits: Limits) -> FileAnswer:
    width, height = imaging.size_of(content, name)
    if width * height > limits.pixels:
        raise Problem(
            413,
            f"{name} has {width}x{height} pixels: at most {limits.megapixels:g} megapixels are read, "
            "so make it smaller.",
        )
    read = predictor.predict_picture(content, detect=options.detect, name=name)
    rows = [
        face_row(
            face,
            predictor.classifier,
            file=name,
            number=number,
            frame=read.frame,
            cut_off=read.cut_off,
            unsure_below=options.unsure_below,
        )
        | {"box": face.box, "probabilities": face.probabilities}
        for number, face in enumerate(read.faces, 1)
    ]
    file = FileBody(
        file=name, error=None, frame=read.frame, frames=read.frames, notes=list(read.notes), duration=None
    )
    return FileAnswer([FaceBody(**row) for row in rows], file)


def _video(predictor: Predictor, name: str, content: bytes, options: Options, limits: Limits) -> FileAnswer:
    if not options.detect:
        raise Problem(400, f"{name} is a video, in which faces are always searched: leave out detect=false.")
    end = time.monotonic() + limits.video_work_seconds
    timeline = analyse_video(
        io.BytesIO(content),
        predictor,
        name=name,
        rate=options.rate,
        max_seconds=limits.video_seconds,
        cancelled=lambda: time.monotonic() > end,
    )
    if not timeline.complete:
        raise Problem(
            413,
            f"{name} takes more than {limits.video_work_seconds:g} s to analyse: send a shorter or smaller "
            "video, or a lower rate.",
        )
    labels = timeline.labels
    rows: list[dict[str, Any]] = [
        row
        | {
            "box": tuple(int(row[side]) for side in ("x", "y", "width", "height")),
            "probabilities": {label: row[label] for label in labels},
        }
        for row in timeline.rows(options.unsure_below)
    ]
    file = FileBody(
        file=name,
        error=None,
        frame=0,
        frames=len(timeline.times),
        notes=[],
        duration=round(timeline.duration, 3),
    )
    return FileAnswer([FaceBody(**row) for row in rows], file)


def _failed(name: str, sentence: str, status: int) -> FileAnswer:
    file = FileBody(file=name, error=sentence, frame=0, frames=0, notes=[], duration=None)
    return FileAnswer([], file, status)
