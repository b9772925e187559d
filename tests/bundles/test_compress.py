"""Bundles with quantised weights have a Keras file of half the size that computes the same."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from fer_core.bundles.compress import compress, round_weights
from fer_core.bundles.graph import predict, shipped_graph

from .conftest import network


def test_rounded_and_compressed_it_is_smaller_and_answers_the_same(
    tmp_path: Path, images: np.ndarray
) -> None:
    networks = [network(3), network(4, "residual")]
    before = predict(shipped_graph(networks), images)
    shipped_graph(networks).save(tmp_path / "whole.keras")
    round_weights(networks)
    shipped_graph(networks).save(tmp_path / "model.keras")
    compress(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < 0.7 * (tmp_path / "whole.keras").stat().st_size
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    assert np.array_equal(predict(loaded, images), predict(shipped_graph(networks), images))
    assert np.abs(predict(loaded, images) - before).max() < 0.02  # 8-bit weights: some 0.04
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_no_weight_changes_by_more_than_8_bits_of_mantissa_allow() -> None:
    one = network(5)
    before = one.get_weights()
    large = [w * 1e9 for w in before]  # beyond float16's range
    one.set_weights(large)
    round_weights([one])
    for old, new in zip(large, one.get_weights(), strict=True):
        assert np.all(np.abs(new - old) <= np.abs(old) * 2.0**-9)
