"""Proposed search ranges surround the values of a preset, and every one can be searched."""

from __future__ import annotations

import pytest

from fer_core.presets import PRESETS
from fer_core.runs.search_ranges import proposed
from fer_core.runs.sweep_folder import Dimension, SweepConfig


@pytest.mark.parametrize("name", list(PRESETS))
def test_proposals_surround_the_preset_and_can_be_searched(name: str) -> None:
    config = PRESETS[name].config
    ranges = proposed(config)
    rate = Dimension.parse(ranges["train.learning_rate"])
    lr = config.train.learning_rate
    assert rate.log and (rate.low, rate.high) == pytest.approx((lr / 10, lr * 10), rel=0.01)
    assert list(ranges)[:2] == ["train.learning_rate", "train.batch_size"] and len(ranges) > 15
    for path, text in ranges.items():
        SweepConfig.make(config, {path: text}, trials=1)
