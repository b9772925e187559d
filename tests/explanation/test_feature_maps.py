"""Feature maps: the activations of the network, the strongest channels first, from every kind of model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import Bundle, find_bundle
from fer_core.bundles.export import load_keras
from fer_core.errors import ModelError
from fer_core.explanation.feature_maps import MAX_CHANNELS, MAX_LAYERS, FeatureMaps, packed, unpacked
from fer_core.explanation.grad_cam_process import GradCamProcess
from tests import tiny
from tests.explanation.test_grad_cam import network, saved, shipped_form

pytestmark = pytest.mark.long

FACE = tiny.banded(np.arange(1))[0]


def test_they_are_the_outputs_of_the_activations(trained_run: Path) -> None:
    import keras

    from fer_core.bundles.graph import networks_of

    bundle = find_bundle(str(trained_run))
    (inner,) = networks_of(load_keras(bundle))
    layers = FeatureMaps(bundle).of(FACE)
    assert 1 < len(layers) <= MAX_LAYERS
    for maps in layers:
        output = keras.Model(inner.input, inner.get_layer(maps.layer).output)(
            FACE[None, ..., None].astype(np.float32)
        )
        expected = np.asarray(output)[0]
        assert maps.shape == expected.shape and len(maps.channels) == min(MAX_CHANNELS, maps.shape[2])
        means = expected.mean(axis=(0, 1))
        assert np.all(np.diff(means[maps.channels]) <= 0) and means[maps.channels[0]] == means.max()
        first = expected[..., maps.channels[0]]
        scaled = 255 * (first - first.min()) / max(1e-9, float(np.ptp(first)))
        assert np.abs(scaled - maps.maps[0]).max() <= 1


@pytest.mark.parametrize("family", ["plain", "residual", "mobilenet"])
def test_every_family_and_ensembles_have_them(tmp_path: Path, family: str) -> None:
    one, other = network(family, 1), network(family, 2)
    layers = FeatureMaps(saved(tmp_path / "two", shipped_form(one, other, mirror=True))).of(FACE)
    assert len(layers) > 1 and layers[0].shape[0] >= layers[-1].shape[0]
    assert all(maps.maps.max() == 255 for maps in layers), "no network of random weights is dead"


def test_a_network_without_maps_is_an_error(tmp_path: Path) -> None:
    import keras

    flat = keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Flatten(), keras.layers.Dense(7)])
    with pytest.raises(ModelError, match="no convolution"):
        FeatureMaps(saved(tmp_path / "flat", flat))


def test_the_process_returns_the_same(trained_run: Path) -> None:
    bundle: Bundle = find_bundle(str(trained_run))
    expected = FeatureMaps(bundle).of(FACE)
    process = GradCamProcess(bundle)
    try:
        received = process.feature_maps(FACE)
        assert process.maps(FACE[None]).shape == (1, len(bundle.labels), 48, 48), "both kinds are answered"
    finally:
        process.close()
    for one, other in zip(received, expected, strict=True):
        assert (one.layer, one.shape) == (other.layer, other.shape)
        assert np.array_equal(one.channels, other.channels)
        assert np.abs(one.maps.astype(int) - other.maps).max() <= 1
    assert [maps.layer for maps in unpacked(packed(expected))] == [maps.layer for maps in expected]
