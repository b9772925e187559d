"""Most frequent confusions in words."""

from __future__ import annotations

import numpy as np

from fer_core.metrics.confusions import confusions

MATRIX = np.array([[80, 15, 5], [4, 46, 0], [0, 0, 30]])


def test_pairs_have_counts_and_the_costliest_is_first() -> None:
    reported = confusions(MATRIX, ("fear", "sad", "happy"))
    assert len(reported) == 2
    assert reported[0].startswith(
        "Fear is taken for sad on 15 of 100 images (15.0%; 9.3% to 23.3%), and sad for fear on 4 of 50 (8.0%;"
    )
    assert reported[0].endswith("19 errors, 79% of all.")
    assert (
        reported[1].startswith("Fear is taken for happy on 5 of 100")
        and "happy never for fear: 5 errors, 21% of all." in reported[1]
    )


def test_without_errors_there_is_nothing_to_tell() -> None:
    assert confusions(np.diag([3, 4]), ("a", "b")) == []
