"""Answers of another tool or of a person on the images of a data set, as an evaluation."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from .. import emotions
from ..data.budget import MAX_FACES, Budget
from ..data.dataset import Dataset
from ..data.labels import LabelReader
from ..data.opening import picture_files
from ..data.problems import UnknownLabelError
from ..data.readers import columns, npz
from ..data.vote_counts import Votes
from ..errors import DataError, reason
from ..label_options import split_source
from ..wording import plural
from . import record as records
from .record import EvaluationRecord

MAX_BYTES = 200_000_000
_ROWS = ("row", "rows", "index", "image_index")
_ANSWERS = (
    "prediction",
    "predictions",
    "predicted",
    "predicted_label",
    "answer",
    "dominant_emotion",  # DeepFace
    "label",
    "labels",
    "emotion",
    "expression",
    "class",
)
_PROBABILITIES = ("probabilities", "probs", "predictions", "scores")
_PREFIXES = ("p_", "prob_", "probability_", "score_")
_EXPECTED = (
    "expected a column of answers (prediction, label, emotion), or a column of probabilities for each class "
    "(angry, disgust, fear ...), and a column row or file for the image"
)


@dataclass(frozen=True)
class Predictions:
    """Answers by row of the source."""

    name: str
    rows: np.ndarray  # (n,) int64, each once
    probabilities: np.ndarray  # (n, C) float32, columns as in `emotions.NAMES`; 0 and 1 for plain answers
    notes: tuple[str, ...]

    def on(self, record: EvaluationRecord) -> EvaluationRecord:
        """Return these answers on those images of a record that have one.

        Raises:
            DataError: None has.
        """
        covered = self.covers(record)
        if not covered.any():
            raise DataError(
                f"{self.name} has no answer for the {record.split} images of {record.source}: are its rows "
                "those of this data set?"
            )
        part = record.only(covered)
        order = np.argsort(self.rows)
        chosen = self.probabilities[order[np.searchsorted(self.rows[order], part.rows)]]
        wanted = [emotions.NAMES.index(label) for label in record.labels]
        return replace(part, probabilities=chosen[:, wanted], model=self.name, tta="none")

    def covers(self, record: EvaluationRecord) -> np.ndarray:
        """Return which images of a record have an answer, (n,) bool."""
        return np.isin(record.rows, self.rows)


def read_predictions(path: Path, dataset: Dataset, split: str) -> Predictions:
    """Read a CSV or npz of answers.

    Raises:
        DataError: See `parse_predictions`; also if the file cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is too large for answers: at most {MAX_BYTES // 10**6} MB are read.")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"The answers {path} cannot be read: {error.strerror or error}.") from None
    return parse_predictions(path.name, content, dataset, split)


def parse_predictions(name: str, content: bytes, dataset: Dataset, split: str) -> Predictions:
    """Parse a CSV or npz of answers.

    A CSV has a column of answers, or columns of probabilities named after the classes, and names the image by
    its row in the source or by its file; without such a column, it has a line for each image of the split (or
    of the data set) in their order. An npz has `probabilities` (N, C) or `predictions` (N,), and perhaps
    `rows` and `class_names`. Numbers in place of names are those of the data, else FER2013's codes.

    Args:
        name: The file name; what stands before its suffix becomes the name of the model.

    Raises:
        DataError: The content cannot be parsed, or does not fit the data set.
    """
    reader = _Answers(name, dataset, split)
    if content.startswith(b"PK\x03\x04"):
        return reader.from_arrays(npz.arrays(name, io.BytesIO(content), Budget(MAX_FACES, MAX_BYTES)))
    if b"\0" in content[:4096]:
        raise DataError(f"{name} holds no answers: expected a CSV or npz file; {_EXPECTED}.")
    return reader.from_csv(content.decode("utf-8-sig", errors="replace"))


def as_record(
    predictions: Predictions, dataset: Dataset, split: str, votes: Votes | None = None
) -> EvaluationRecord:
    """Return the evaluation of answers on the labelled images of a split.

    Raises:
        DataError: The split is absent or has no labels, or no image has an answer.
    """
    indices = dataset.labelled_indices(split)
    empty = np.zeros((len(indices), len(dataset.label_names)), np.float32)
    base = records.make(predictions.name, dataset, split, "none", indices, empty, votes)
    return predictions.on(base)


class _Answers:
    """Reads answers for one data set."""

    def __init__(self, name: str, dataset: Dataset, split: str) -> None:
        self.name, self.dataset, self.split = name, dataset, split
        self.notes: list[str] = []
        self._labels = LabelReader()

    def from_csv(self, text: str) -> Predictions:
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        try:
            lines = [line for line in csv.reader(io.StringIO(text), delimiter=delimiter) if any(line)]
        except csv.Error as error:
            raise DataError(f"{self.name} cannot be read as CSV ({reason(error)}): {_EXPECTED}.") from None
        header, lines = [cell.strip() for cell in (lines or [[]])[0]], lines[1:]
        lower = [cell.lower() for cell in header]
        ragged = next((i for i, line in enumerate(lines) if len(line) != len(header)), None)
        if ragged is not None:
            raise DataError(
                f"{self.name}: line {ragged + 2} has {len(lines[ragged])} cells instead of {len(header)}."
            )
        if not lines:
            raise DataError(f"{self.name} holds no answers: {_EXPECTED}.")
        classes = {i: found for i, cell in enumerate(lower) if (found := _class_of(cell)) is not None}
        answer = next((lower.index(word) for word in _ANSWERS if word in lower), None)
        if len(classes) < 2 and answer is None:
            raise DataError(f"{self.name} has the columns {', '.join(header[:6])[:200]}: {_EXPECTED}.")
        rows = self._rows_of(lower, lines)
        if answer is None or len(classes) >= 2:
            values = self._numbers([[line[i] for i in classes] for line in lines])
            return self._by_class(rows, values, list(classes.values()))
        return self._by_answer(rows, [line[answer] for line in lines])

    def from_arrays(self, arrays: dict[str, np.ndarray]) -> Predictions:
        names = next(
            (arrays[key] for key in ("class_names", "classes", "labels") if _is_names(arrays.get(key))), None
        )
        values = next((arrays[key] for key in (*_PROBABILITIES, *_ANSWERS) if key in arrays), None)
        if values is None or values.ndim not in (1, 2):
            raise DataError(f"{self.name} has the arrays {', '.join(list(arrays)[:6])[:200]}: {_EXPECTED}.")
        key = next((key for key in _ROWS if key in arrays), None)
        rows = self._in_order(len(values)) if key is None else self._checked_rows(arrays[key].tolist())
        if len(rows) != len(values):
            raise DataError(
                f"{self.name} has {len(values):,} answers but {len(rows):,} rows: expected one for each."
            )
        if values.ndim == 1:
            return self._by_answer(rows, values.tolist())
        if names is None:
            if values.shape[1] != len(emotions.NAMES):
                raise DataError(
                    f"{self.name} has {values.shape[1]} columns without class_names: expected "
                    f"{len(emotions.NAMES)}."
                )
            self.notes.append(f"Columns read in the order {', '.join(emotions.NAMES)}.")
            return self._by_class(rows, values, list(emotions.NAMES))
        if len(names) != values.shape[1]:
            raise DataError(f"{self.name} has {values.shape[1]} columns but {len(names)} class_names.")
        class_names = [emotions.find(str(name)) for name in names.tolist()]
        named_columns = [i for i, name in enumerate(class_names) if name is not None]
        return self._by_class(rows, values[:, named_columns], [class_names[i] or "" for i in named_columns])

    def _rows_of(self, lower: list[str], lines: list[list[str]]) -> np.ndarray:
        """Return the row of the source of each line."""
        column = next((lower.index(word) for word in _ROWS if word in lower), None)
        if column is not None:
            return self._checked_rows([line[column] for line in lines])
        column = next((lower.index(word) for word in columns.PICTURE_PATHS if word in lower), None)
        if column is None:
            return self._in_order(len(lines))
        place: dict[str, int] = {}
        files = picture_files(split_source(self.dataset.source)[0])
        short = Counter(PurePosixPath(file).name for file in files)
        for row, file in enumerate(files):
            place[file] = row
            if short[PurePosixPath(file).name] == 1:
                place.setdefault(PurePosixPath(file).name, row)
        wanted = [line[column].strip().replace("\\", "/") for line in lines]
        rows = [place.get(file, place.get(PurePosixPath(file).name, -1)) for file in wanted]
        if missing := [file for file, row in zip(wanted, rows, strict=True) if row < 0]:
            if len(missing) == len(rows):
                raise DataError(
                    f"{self.name} names {missing[0][:80]!r}, which {self.dataset.source} does not have."
                )
            self.notes.append(
                f"{plural(len(missing), 'answer')} for other files left out, such as {missing[0][:80]}."
            )
        return np.array(rows, np.int64)

    def _checked_rows(self, values: Sequence[object]) -> np.ndarray:
        try:
            rows = np.array([int(float(str(value))) for value in values], np.int64)
        except (ValueError, OverflowError):
            raise DataError(
                f"{self.name} has a row that is not a number: expected rows of the source from 0."
            ) from None
        return rows

    def _in_order(self, count: int) -> np.ndarray:
        """Return the rows of answers that name none: of the labelled images, of the split, or of all."""
        data = self.dataset
        choices = (data.labelled_indices(self.split), data.indices(self.split), np.arange(len(data)))
        for indices in choices:
            if len(indices) == count:
                self.notes.append(
                    f"Answers read in the order of the {count:,} images, since no column names them."
                )
                return data.rows[indices]
        raise DataError(
            f"{self.name} has {count:,} answers without a column row or file: expected one for each of the "
            f"{len(choices[0]):,} {self.split} images, or that column."
        )

    def _numbers(self, cells: list[list[str]]) -> np.ndarray:
        try:
            return np.array(cells, np.float64)
        except ValueError:
            raise DataError(f"{self.name} has a probability that is not a number: {_EXPECTED}.") from None

    def _by_class(self, rows: np.ndarray, values: np.ndarray, names: list[str]) -> Predictions:
        if values.dtype.kind not in "fiub" or not np.isfinite(values).all() or (values < 0).any():
            raise DataError(
                f"{self.name} has probabilities that are not numbers from 0: apply a softmax to logits."
            )
        sums = values.sum(axis=1, dtype=np.float64)
        if (sums <= 0).any():
            raise DataError(f"{self.name} has an image whose probabilities are all 0: leave it out.")
        probabilities = np.zeros((len(values), len(emotions.NAMES)), np.float32)
        for i, name in enumerate(names):  # several columns may mean one class
            probabilities[:, emotions.NAMES.index(name)] += values[:, i] / sums
        return self._finish(rows, probabilities)

    def _by_answer(self, rows: np.ndarray, answers: Sequence[object]) -> Predictions:
        probabilities = np.zeros((len(answers), len(emotions.NAMES)), np.float32)
        others: Counter[str] = Counter()
        for i, answer in enumerate(answers):
            try:
                probabilities[i, self._labels.position(answer, self.dataset.codes or None)] = 1
            except UnknownLabelError as error:
                others[error.word[:40]] += 1
                rows = rows.copy()
                rows[i] = -1
        if others:
            words = ", ".join(f"{word!r} ({count:,})" for word, count in others.most_common(5))
            self.notes.append(f"{plural(others.total(), 'answer')} that mean no class left out: {words}.")
        self.notes.append("Answers without probabilities: their calibration says nothing.")
        return self._finish(rows, probabilities)

    def _finish(self, rows: np.ndarray, probabilities: np.ndarray) -> Predictions:
        kept = rows >= 0
        rows, probabilities = rows[kept], probabilities[kept]
        distinct, counts = np.unique(rows, return_counts=True)
        if (counts > 1).any():
            raise DataError(
                f"{self.name} has several answers for row {distinct[counts.argmax()]}: expected one."
            )
        asked = self.dataset.rows[self.dataset.labelled_indices(self.split)]
        with_answer = int(np.isin(asked, rows).sum())
        if with_answer < len(asked):
            self.notes.append(f"{with_answer:,} of the {len(asked):,} {self.split} images have an answer.")
        name = Path(self.name).stem[:60] or "predictions"
        return Predictions(name, rows, probabilities, tuple(self.notes))


def _class_of(column: str) -> str | None:
    prefix = next((prefix for prefix in _PREFIXES if column.startswith(prefix)), "")
    return emotions.find(column.removeprefix(prefix))


def _is_names(array: np.ndarray | None) -> bool:
    return array is not None and array.ndim == 1 and array.dtype.kind in "US"
