"""Analysis of an album: detection and classification of its faces, picture by picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import ImageError, VideoError
from ..inference import FacePrediction, Predictor
from ..video import Timeline, analyse_video
from .source import Picture, Video


@dataclass(frozen=True)
class PictureResult:
    """Result of one picture."""

    name: str
    faces: list[FacePrediction]  # from left to right
    error: str | None = None  # one sentence if it cannot be read; then there are no faces
    frame: int = 1  # number of the picture in its file
    notes: tuple[str, ...] = ()  # what a reader should know, see `PicturePrediction.notes`
    cut_off: bool = False  # a part of the file is missing


def analyse(
    pictures: Sequence[Picture],
    predictor: Predictor,
    *,
    detect: bool = True,
    on_progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[PictureResult]:
    """Yield one result per picture, in their order.

    One picture is in memory at a time, and a bad one does not stop the others.

    Args:
        pictures: Result of `pictures`.
        predictor: Detector and model.
        detect: Detect faces; if False, each whole picture is one face.
        on_progress: Called after each picture with the share that is done, 0 to 1.
        cancelled: Called before each picture; True stops.
    """
    for i, picture in enumerate(pictures):
        if cancelled():
            return
        yield _result(picture, predictor, detect)
        on_progress((i + 1) / len(pictures))


def analyse_videos(
    videos: Sequence[Video],
    predictor: Predictor,
    *,
    on_progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Timeline | PictureResult]:
    """Yield the timeline of each video, in their order; of one that cannot be read, a result with its error.

    Args:
        videos: Result of `videos`.
        predictor: Detector and model.
        on_progress: Called after each frame with the share that is done, 0 to 1.
        cancelled: Called before each frame; True stops, and the last timeline contains what came before.
    """
    for i, video in enumerate(videos):
        if cancelled():
            return

        def of_all(share: float, before: int = i) -> None:
            on_progress((before + share) / len(videos))

        try:
            yield analyse_video(
                video.open(), predictor, name=video.name, on_progress=of_all, cancelled=cancelled
            )
        except (ImageError, VideoError) as error:
            yield PictureResult(video.name, [], str(error), frame=0)


def _result(picture: Picture, predictor: Predictor, detect: bool) -> PictureResult:
    try:
        read = predictor.predict_picture(picture.read(), detect=detect, name=picture.name)
        notes = tuple(read.notes)
        return PictureResult(picture.name, read.faces, None, read.frame, notes, read.cut_off)
    except ImageError as error:
        return PictureResult(picture.name, [], str(error))
