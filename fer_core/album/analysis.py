"""Analysis of an album: detection and classification of its faces, picture by picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import ImageError
from ..inference import FacePrediction, Predictor
from .source import Picture


@dataclass(frozen=True)
class PictureResult:
    """Result of one picture."""

    name: str
    faces: list[FacePrediction]  # from left to right
    error: str | None = None  # one sentence if it cannot be read; then there are no faces
    frame: int = 1  # number of the picture in its file
    notes: tuple[str, ...] = ()  # what a reader should know, see `PicturePrediction.notes`


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


def _result(picture: Picture, predictor: Predictor, detect: bool) -> PictureResult:
    try:
        read = predictor.predict_picture(picture.read(), detect=detect, name=picture.name)
        return PictureResult(picture.name, read.faces, None, read.frame, tuple(read.notes))
    except ImageError as error:
        return PictureResult(picture.name, [], str(error))
