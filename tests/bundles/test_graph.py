"""What stands inside a shipped graph: networks, views of the image, temperature."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.bundles.graph import networks_of, predict, shipped_graph, views_of

from ..tiny import softmax, views
from .conftest import logits


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("zoom", [False, True])
@pytest.mark.parametrize(("count", "temperature"), [(1, 2.5), (3, 1.0)])
def test_logits_are_averaged_over_views_and_networks_and_divided_by_the_temperature(
    mirror, zoom, count, temperature, networks, images
) -> None:
    graph = shipped_graph(networks[:count], mirror=mirror, zoom=zoom, temperature=temperature)
    seen = views(images, mirror, zoom)
    mean = np.mean([logits(network, view) for network in networks[:count] for view in seen], axis=0)
    got = predict(graph, images)
    assert got.dtype == np.float32 and np.allclose(got, softmax(mean / temperature), atol=1e-4)
    assert np.allclose(got.sum(axis=1), 1, atol=1e-5)
    assert views_of(graph) == len(seen)


def test_a_mirrored_graph_answers_alike_for_a_face_and_its_mirror_image(networks, images) -> None:
    mirrored, plain = shipped_graph(networks, mirror=True, zoom=True), shipped_graph(networks)
    assert np.allclose(predict(mirrored, images), predict(mirrored, images[:, :, ::-1]), atol=1e-6)
    assert np.abs(predict(plain, images) - predict(plain, images[:, :, ::-1])).max() > 0.02, (
        "without it they differ"
    )


def test_each_image_of_a_batch_is_seen_alone(networks, images) -> None:
    """Other views are put behind the batch: they must come back to their own image."""
    graph = shipped_graph(networks[:1], mirror=True, zoom=True)
    expected = predict(graph, images)
    for batch in (1, 4, 9):
        assert np.allclose(predict(graph, images, batch), expected, atol=1e-6)
    assert np.allclose(predict(graph, images[::-1]), expected[::-1], atol=1e-6)


def test_the_temperature_stands_in_the_graph(networks, images) -> None:
    cold, plain, hot = (predict(shipped_graph(networks[:1], temperature=t), images) for t in (0.5, 1.0, 4.0))
    assert np.all(cold.max(1) > plain.max(1)) and np.all(plain.max(1) > hot.max(1))
    powers = hot.astype(np.float64) ** 4.0
    assert np.allclose(powers / powers.sum(axis=1, keepdims=True), plain, atol=1e-5), (
        "p ** temperature undoes it"
    )
    layer = shipped_graph(networks[:1], temperature=4.0).get_layer("temperature")
    assert layer.scale == pytest.approx(0.25)


def test_the_networks_can_be_taken_out_and_put_together_again(networks, images) -> None:
    ensemble = shipped_graph(networks, mirror=True, zoom=True, temperature=3.0)
    found = networks_of(ensemble)
    assert [network.name for network in found] == ["network_1", "network_2", "network_3"]
    for network in found:
        assert (
            len(network.get_layer("last_conv").output.shape) == 4
            and len(network.get_layer("features").output.shape) == 2
        )
        assert network.output_shape == (None, 7)
    again = shipped_graph(found)
    assert np.allclose(predict(again, images), predict(shipped_graph(networks), images), atol=1e-6)
    (alone,) = networks_of(shipped_graph(found[1:2], mirror=True))
    assert alone.name == "network"
    raw = alone.predict_on_batch(images[..., None].astype(np.float32))
    assert np.allclose(softmax(raw), np.exp(logits(networks[1], images)), atol=1e-5)
    assert networks_of(networks[0]) == []


def test_putting_a_network_into_a_graph_leaves_it_as_it_was(networks, images) -> None:
    before = logits(networks[0], images)
    shipped_graph(networks[:2], mirror=True, temperature=0.5)
    assert (
        np.array_equal(logits(networks[0], images), before) and networks[0].layers[-1].name == "predictions"
    )


def test_a_saved_graph_loads_in_safe_mode_and_answers_as_before(networks, images, tmp_path: Path) -> None:
    graph = shipped_graph(networks, mirror=True, zoom=True, temperature=1.7)
    graph.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    assert np.allclose(predict(loaded, images), predict(graph, images), atol=1e-6)
    assert len(networks_of(loaded)) == 3 and loaded.input_shape == (None, 48, 48, 1)
