"""Scoring of one part, from the source to its Parquet file: the same for every kind of worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from ..bundles.bundle import model_sha256, read_bundle
from ..errors import ImageError, ModelError
from ..inference import FacePrediction, Predictor
from .job import Job, Part
from .part_folder import PartFolder, PartResult
from .sources import Photos

_NO_FACE = "no face found"
_BOX = ("x", "y", "width", "height")


class Scorer:
    """Model and source, opened once in each worker.

    Raises:
        ModelError: The worker has another model or face detector than the one the job began with.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        bundle = read_bundle(job.model)
        if model_sha256(bundle) != job.model_sha256:
            raise ModelError(
                f"{job.model} holds another model for a worker than where the job began: is it the same on "
                "all machines?"
            )
        self.predictor = Predictor(bundle)
        if job.detector not in (None, self.predictor.detector.name):
            raise ModelError(
                f"A worker has the face detector {self.predictor.detector.name} and the job began with "
                f"{job.detector}: install the same requirements on all machines."
            )
        self.folder = PartFolder(job)

    def table(self, part: Part) -> pa.Table:
        """Return the rows of a part: one per face, and one for each picture without an answer."""
        source = self.job.source
        return self._photos(source, part) if isinstance(source, Photos) else self._faces(source, part)

    def _faces(self, source: Any, part: Part) -> pa.Table:
        faces = source.read(part.start, part.stop)
        good = np.array([i not in faces.errors for i in range(len(faces.rows))])
        probabilities = np.full((len(good), len(self.job.labels)), np.nan, np.float32)
        probabilities[good] = self.predictor.classifier.probabilities(faces.images)
        sentences = [faces.errors.get(i) for i in range(len(good))] if faces.errors else [None] * len(good)
        head = {"row": pa.array(faces.rows, pa.int64()), "truth": pa.array(faces.truth, pa.string())}
        return self._with_answers(head, probabilities, good, sentences)

    def _photos(self, source: Photos, part: Part) -> pa.Table:
        rows: list[tuple[str, int | None, FacePrediction | None, str | None]] = []
        for picture in source.pictures(part.names):
            try:
                faces, sentence = self.predictor.predict(picture.read(), name=picture.name), _NO_FACE
            except ImageError as error:
                faces, sentence = [], " ".join(str(error).split())
            except cv2.error as error:  # a picture that the detector rejects must not stop the other millions
                faces, sentence = (
                    [],
                    f"{picture.name}: the face detector failed ({' '.join(str(error).split())[:120]}).",
                )
            name = picture.name.encode(errors="backslashreplace").decode()  # Arrow accepts only UTF-8
            rows += [(name, i, face, None) for i, face in enumerate(faces, 1)] or [
                (name, None, None, sentence)
            ]
        head = {
            "file": pa.array([row[0] for row in rows], pa.string()),
            "face": pa.array([row[1] for row in rows], pa.int16()),
        }
        boxes = [face.box if face else (None,) * 4 for _, _, face, _ in rows]
        head |= {name: pa.array([box[i] for box in boxes], pa.int32()) for i, name in enumerate(_BOX)}
        head["score"] = pa.array([face.score if face else None for _, _, face, _ in rows], pa.float32())
        entries = [
            [face.probabilities[label] for label in self.job.labels]
            if face
            else [np.nan] * len(self.job.labels)
            for _, _, face, _ in rows
        ]
        good = np.array([face is not None for _, _, face, _ in rows])
        return self._with_answers(head, np.array(entries, np.float32), good, [row[3] for row in rows])

    def _with_answers(
        self,
        head: dict[str, pa.Array],
        probabilities: np.ndarray,
        good: np.ndarray,
        sentences: Sequence[str | None],
    ) -> pa.Table:
        """Add label, confidence, a column of probabilities for each label, and error to `head`.

        Args:
            probabilities: (n, C) float32.
            good: (n,) bool, the rows that have probabilities.
        """
        labels = self.job.labels
        best = np.where(good, np.nan_to_num(probabilities).argmax(1), 0).astype(np.int32)
        columns = head | {
            "label": pa.DictionaryArray.from_arrays(
                pa.array(best, mask=~good), pa.array(labels, pa.string())
            ),
            "confidence": pa.array(np.nan_to_num(probabilities).max(1), mask=~good),
        }
        columns |= {
            name: pa.array(np.ascontiguousarray(probabilities[:, i]), mask=~good)
            for i, name in enumerate(labels)
        }
        return pa.table(columns | {"error": pa.array(sentences, pa.string())})


def score_part(scorer: Scorer, part: Part) -> PartResult:
    """Score one part and write its file, unless another worker has done so.

    The file is the same for every worker.

    Raises:
        FerError: The source or the model has changed since the job began.
    """
    return scorer.folder.result(part.index) or scorer.folder.write(part, scorer.table(part))
