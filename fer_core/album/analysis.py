"""Find and classify the faces of an album, picture by picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import ImageError
from ..inference import FacePrediction, Predictor
from .source import Picture


@dataclass(frozen=True)
class PictureResult:
    """What one picture gave."""

    name: str
    faces: list[FacePrediction]  # from the left to the right
    error: str | None = None  # one sentence where it cannot be read; then there are no faces


def analyse(
    pictures: Sequence[Picture],
    predictor: Predictor,
    *,
    detect: bool = True,
    on_progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[PictureResult]:
    """One result a picture, in their order and as it comes; one picture is in memory at a time. A bad one does not stop the others.

    Args:
        pictures: as `pictures` gives them.
        predictor: the detector and the model.
        detect: look for faces; else each whole picture is taken as one face.
        on_progress: called after each picture with the share that is done, 0 to 1.
        cancelled: asked before each picture; True ends it.
    """
    for i, picture in enumerate(pictures):
        if cancelled():
            return
        yield _result(picture, predictor, detect)
        on_progress((i + 1) / len(pictures))


def _result(picture: Picture, predictor: Predictor, detect: bool) -> PictureResult:
    try:
        return PictureResult(
            picture.name, predictor.predict(picture.read(), detect=detect, name=picture.name)
        )
    except ImageError as error:
        return PictureResult(picture.name, [], str(error))
