"""Every input is read or refused in one sentence, without other exceptions, files outside, or endless work.

FER_FUZZ_INPUTS=N tries N inputs per parser instead of the few of the everyday run; `python -m tests.fuzz`
searches with coverage guidance.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from .mutation import inputs
from .targets import TARGETS, attempt

INPUTS = int(os.environ.get("FER_FUZZ_INPUTS", "40"))
_PHASES = (
    [Phase.explicit, Phase.generate] if INPUTS <= 100 else [Phase.explicit, Phase.generate, Phase.shrink]
)


@pytest.mark.parametrize("name", TARGETS)
def test_good_inputs_are_read(name: str, tmp_path: Path) -> None:
    """Otherwise the mutations would only test the refusals."""
    target = TARGETS[name]
    read = 0
    for number, seed in enumerate(target.seeds()):
        folder = tmp_path / str(number) / "in"
        folder.mkdir(parents=True)
        read += attempt(target, seed, folder)
    assert read >= len(target.seeds()) - 1  # one may be there to be refused


@pytest.mark.parametrize("name", TARGETS)
def test_nearly_good_inputs_are_read_or_refused_in_a_sentence(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()

    @settings(
        max_examples=INPUTS,
        deadline=None,
        database=None,
        derandomize=INPUTS <= 100,
        phases=_PHASES,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(target, seeds))
    def tried(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "in"
            folder.mkdir()
            attempt(target, data, folder)

    tried()
