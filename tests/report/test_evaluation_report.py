"""Report on a model: scikit-learn's numbers, no network access, and robust against any name."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn import metrics as reference

from fer_core.data import Dataset, open_dataset
from fer_core.emotions import NAMES
from fer_core.errors import DataError
from fer_core.evaluation.record import EvaluationRecord
from fer_core.report.evaluation import evaluation_report

COUNT = 600


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return open_dataset(f"synthetic:{COUNT}")


def made(dataset: Dataset, accuracy: float = 0.6, seed: int = 0, model: str = "first") -> EvaluationRecord:
    rng = np.random.default_rng(seed)
    true = dataset.labels.astype(np.int64)
    probabilities = (
        rng.dirichlet(np.ones(7), COUNT)
        + 0.5 * np.eye(7)[np.where(rng.random(COUNT) < accuracy, true, rng.integers(0, 7, COUNT))]
    )
    votes = np.zeros((COUNT, 10), np.uint8)
    votes[np.arange(COUNT), rng.integers(0, 7, COUNT)] = 10
    zero = np.random.default_rng(9).normal(100, 20, COUNT).astype(np.float32)
    return EvaluationRecord(
        NAMES,
        (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32),
        true,
        dataset.rows.astype(np.int64),
        zero,
        zero,
        zero,
        votes,
        np.arange(COUNT) < 60,
        model,
        "test",
        "none",
        "labels",
        "synthetic",
        dataset.fingerprint,
    )


class _Page(HTMLParser):
    """Parser for the text of table rows and boxes, and for any URL that would be loaded."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.text = ""
        self.asks: list[str] = []
        self.images = 0
        self.in_row = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.asks += [tag] * (tag in ("script", "link", "iframe"))
        self.asks += [
            v
            for k, v in values.items()
            if k in ("src", "href") and v and not v.startswith("data:image/png;base64,")
        ]
        self.images += tag == "img"
        if tag == "tr":
            self.rows.append("")
            self.in_row = True

    def handle_endtag(self, tag: str) -> None:
        self.in_row &= tag != "tr"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_row:
            self.rows[-1] += data + " "


def test_the_numbers_are_scikit_learns(dataset: Dataset) -> None:
    record = made(dataset)
    page = _Page(evaluation_report(record, None))
    true, predicted, probabilities = record.true, record.predicted, record.probabilities
    clean = ~record.leaked
    for expected in (
        f"{reference.accuracy_score(true, predicted):.1%}accuracy",
        f"{reference.accuracy_score(true[clean], predicted[clean]):.1%}without 60 leaked",
        f"{reference.f1_score(true, predicted, average='macro'):.3f}macro F1",
        f"{reference.top_k_accuracy_score(true, probabilities, k=2):.1%}among the first two",
        "Mean area under the ROC curves "
        f"{reference.roc_auc_score(np.eye(7)[true], probabilities, average='macro'):.3f}",
        "mean average precision "
        f"{reference.average_precision_score(np.eye(7)[true], probabilities, average='macro'):.3f}",
    ):
        assert expected in page.text, expected
    rows = [row.split() for row in page.rows]
    matrix = reference.confusion_matrix(true, predicted)
    figures = np.array(reference.precision_recall_fscore_support(true, predicted)).T
    for i, name in enumerate(NAMES):
        of_class = [row for row in rows if row[1:2] == [name] and row[2].isdigit()]
        assert [int(n) for n in of_class[0][2::2]] == matrix[i].tolist(), (
            "counts, each with its share of the row"
        )
        numbers = re.findall(r"\b0\.\d{3}\b", " ".join(of_class[1]))
        assert (
            numbers == [f"{value:.3f}" for value in figures[i, :3]] and str(int(figures[i, 3])) in of_class[1]
        )
        for kind, function in (("ROC", reference.roc_auc_score), ("AP", reference.average_precision_score)):
            assert f"{name} {function(true == i, probabilities[:, i]):.3f}" in page.text, kind
    assert page.images == 0


def test_a_page_of_its_own_with_the_most_confident_errors(dataset: Dataset) -> None:
    record = made(dataset)
    html = evaluation_report(
        record, dataset, [made(dataset, 0.9, 1, "second")], "python -m fer_core evaluate --model <mine>"
    )
    page = _Page(html)
    assert page.images == 24 and not page.asks and "url(" not in html and "@import" not in html
    wrong = record.confidence[record.true != record.predicted]
    assert f"{wrong.max():.0%}" in page.text.split("Most confident errors")[1]
    assert "second is right on" in page.text and "this is more than noise" in page.text
    assert "&lt;mine&gt;" in html and "<mine>" not in html
    assert "of ten FER+ voters" in page.text


def test_what_is_not_there_is_left_out(dataset: Dataset) -> None:
    record = replace(made(dataset), votes=None, leaked=None, split="train", model="<b>odd & long</b>")
    html = evaluation_report(record, None)
    text = _Page(html).text
    assert (
        "FER+ voters" not in text
        and "leaked" not in text
        and "Most confident" not in text
        and "Command:" not in text
    )
    assert "A model was trained on these images" in text and "<b>odd" not in html


def test_few_images_of_one_class_make_a_report_too(dataset: Dataset) -> None:
    record = made(dataset)
    few = record.only(np.flatnonzero(record.true == 3)[:5])
    text = _Page(evaluation_report(few, dataset)).text
    assert "Without curves" in text and "happy (all images are of this class)" in text


def test_against_the_voters_labels_come_from_the_data(dataset: Dataset) -> None:
    record = made(dataset).by_votes()
    assert "Comparison with people" not in _Page(evaluation_report(record, None)).text
    text = _Page(evaluation_report(record, dataset)).text
    reference = record.true == dataset.labels[np.searchsorted(dataset.rows, record.rows)]
    assert re.search(rf"voters and labels\s*{reference.mean():.1%}", text)


def test_other_data_or_no_image_is_refused(dataset: Dataset) -> None:
    record = made(dataset)
    with pytest.raises(DataError, match="fingerprint"):
        evaluation_report(record, open_dataset("synthetic:70"))
    with pytest.raises(DataError, match="nothing to report"):
        evaluation_report(record.only(np.arange(0)), None)
    with pytest.raises(DataError, match="same images"):
        evaluation_report(record, None, [made(dataset).only(np.arange(10))])
