"""Wrong labels are found from probabilities, and people agree that they are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.data import Dataset
from fer_core.data.vote_counts import COLUMNS, Votes
from fer_core.errors import DataError
from fer_core.quality.agreement import agreement, vote_entropy, votes_in_words
from fer_core.quality.label_issues import disputes, label_issues, lift

pytestmark = pytest.mark.long


def sure_of(classes: np.ndarray, p: float = 0.8) -> np.ndarray:
    probabilities = np.full((len(classes), 7), (1 - p) / 6, np.float32)
    probabilities[np.arange(len(classes)), classes] = p
    return probabilities


def test_images_that_are_confidently_of_another_class_are_ranked_by_doubt(faces: Dataset) -> None:
    indices = faces.indices("train")
    true = faces.labels[indices].astype(int)
    probabilities = sure_of(true)
    wrong = {int(indices[5]): 0.95, int(indices[60]): 0.85}
    for index, p in wrong.items():
        at = int(np.flatnonzero(indices == index)[0])
        probabilities[at] = sure_of(np.array([(true[at] + 3) % 7]), p)[0]
    found = label_issues(probabilities, faces, indices)
    assert found.indices.tolist() == [int(indices[5]), int(indices[60])]
    assert found.suggested.tolist() == [(int(faces.labels[i]) + 3) % 7 for i in found.indices]
    assert found.doubt[0] == pytest.approx(0.95 - 0.05 / 6) and np.trace(found.joint) == len(indices) - 2


def test_a_class_that_the_model_is_never_sure_of_is_not_doubted_for_it(faces: Dataset) -> None:
    """Confidence is measured against the class' own mean, so a hard class is not flagged as a whole."""
    indices = faces.indices("train")
    true = faces.labels[indices].astype(int)
    probabilities = sure_of(true)
    hard = true == 2
    probabilities[hard] = 0.0
    probabilities[hard, 2], probabilities[hard, 4] = 0.4, 0.6  # less than sad's own faces get for sad
    assert not len(label_issues(probabilities, faces, indices).indices)


def test_without_labels_nothing_can_be_wrong(faces: Dataset) -> None:
    import dataclasses

    blank = dataclasses.replace(faces, labels=np.full(len(faces), -1, np.int8))
    with pytest.raises(DataError, match="no labels to check"):
        label_issues(np.full((10, 7), 1 / 7), blank, np.arange(10))


def table(rows: list[dict[str, int]]) -> Votes:
    return Votes(np.array([[row.get(column, 0) for column in COLUMNS] for row in rows], np.uint8))


def test_a_label_is_disputed_where_most_voters_chose_something_else(faces: Dataset) -> None:
    import dataclasses

    data = dataclasses.replace(faces, labels=np.array([3, 3, 3, 3, -1] + [0] * 695, np.int8))
    rows = [
        {"happiness": 10},
        {"happiness": 5, "neutral": 5},
        {"happiness": 4, "neutral": 3, "NF": 3},
        {},
        {"neutral": 10},
    ]
    assert disputes(data, table(rows + [{"anger": 9, "fear": 1}] * 695))[:6].tolist() == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]


def test_lift_is_the_rate_among_the_first_over_the_rate_among_all(data: Dataset, votes: Votes) -> None:
    indices = data.indices("train")
    disputed = disputes(data, votes)[indices]
    assert 0.9 < disputed.mean() <= 1  # the voters of these data see another class throughout
    found = label_issues(sure_of((data.labels[indices] + 1) % 7), data, indices)
    checked = lift(found, data, votes, indices, first=20)
    assert checked.count == min(20, len(found.indices))
    assert checked.rate == pytest.approx(disputes(data, votes)[found.indices[:20]].mean())
    assert (
        checked.lift == pytest.approx(checked.rate / checked.random_rate)
        and checked.interval[0] <= checked.rate <= checked.interval[1]
    )


def test_agreement_by_class_entropy_and_words() -> None:
    counted = table(
        [
            {"anger": 10},
            {"anger": 5, "fear": 5},
            {"NF": 8, "anger": 2},
            {"sadness": 6, "fear": 3, "neutral": 1},
        ]
    )

    class Three:
        labels, label_names = (
            np.array([0, 0, 0, 4], np.int8),
            ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
        )

    found = agreement(Three(), counted)  # type: ignore[arg-type]
    assert found.by_class["angry"] == (1, 3) and found.by_class["sad"] == (1, 1)
    assert found.matrix[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 1]  # one other (not a face), one tie
    assert vote_entropy(counted)[:2].tolist() == [0.0, 1.0]
    assert (
        votes_in_words(counted, 3) == "sadness 6, fear 3, neutral 1"
        and votes_in_words(counted, 2) == "not a face 8, anger 2"
    )


def test_real_labels_in_doubt_are_disputed_by_people(fer2013_data: Dataset) -> None:
    """The shipped model on FER2013's PublicTest; not the one that learned from these voters."""
    from fer_core.bundles.bundle import find_bundle
    from fer_core.data.votes import find_votes, read_votes
    from fer_core.evaluation.scoring import score

    data = fer2013_data
    path = find_votes(data.source)
    assert path is not None
    votes = read_votes(path, data)
    scored = score(find_bundle("standard"), data, "validation", save=False)
    checked = lift(label_issues(scored.probabilities, data, scored.indices), data, votes, scored.indices)
    assert checked.count == 500 and checked.lift > 1.7, checked
