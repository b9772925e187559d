"""The guess of an epoch's time comes from what was measured on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_core.config import RunConfig
from fer_core.presets import find_preset
from fer_core.runs import speed


@pytest.fixture(autouse=True)
def own_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_EXPLORER_CACHE", str(tmp_path))


def test_without_a_measurement_there_is_no_guess() -> None:
    assert speed.estimate(find_preset("quick").config, 1000, 100) is None


def test_a_measured_network_is_exact_and_others_scale_with_their_work() -> None:
    quick, deep = find_preset("quick").config, find_preset("baseline-deep").config
    speed.record(quick, 500.0)
    known = speed.estimate(quick, 1000, 300)
    assert known is not None and known.exact and known.images_per_second == 500
    assert known.seconds == pytest.approx((1000 + 300 / 3) / 500)
    other = speed.estimate(deep, 1000, 300)
    assert other is not None and not other.exact
    assert other.images_per_second == pytest.approx(
        500 * speed.multiply_adds(quick) / speed.multiply_adds(deep)
    )
    half = speed.estimate(quick.replace("train", batch_size=16), 1000, 300)
    assert half is not None and not half.exact, "another batch size is another measurement"


def test_the_last_measurements_count_and_a_damaged_file_does_not() -> None:
    quick = find_preset("quick").config
    for rate in (10.0, 10.0, 500.0, 700.0, 600.0):
        speed.record(quick, rate)
    known = speed.estimate(quick, 600, 0)
    assert known is not None and known.seconds == pytest.approx(1)
    speed._file().write_text("[{}]")
    assert speed.estimate(quick, 600, 0) is None


def test_a_measurement_is_recorded() -> None:
    config = (
        RunConfig()
        .replace("model", family="plain", hparams={"filters": [4], "dense_units": 8})
        .replace("train", batch_size=8)
    )
    rate = speed.measure(config)
    known = speed.estimate(config, 100, 0)
    assert known is not None and known.exact and known.images_per_second == pytest.approx(rate)
