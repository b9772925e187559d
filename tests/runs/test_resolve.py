"""The open settings of a preset are resolved once, when a run begins, and saved."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from fer_core import machine
from fer_core.config import RunConfig
from fer_core.data.votes import FILE_NAME
from fer_core.errors import TrainingError
from fer_core.presets import PRESETS
from fer_core.runs.resolve import resolve
from fer_core.runs.run_folder import RunFolder


def machine_with(monkeypatch: pytest.MonkeyPatch, flags: str | None, gpu: bool = False) -> None:
    """Have `resolve` see a processor with these flags; None is a system without /proc."""

    class Fake(type(Path())):
        def read_text(self, *args: object, **options: object) -> str:
            assert str(self) == "/proc/cpuinfo"
            if flags is None:
                raise FileNotFoundError(errno.ENOENT, "No such file")
            return f"processor\t: 0\nflags\t\t: fpu {flags} sse\n"

        def exists(self, **options: object) -> bool:
            assert str(self) == "/dev/nvidia0"
            return gpu

    monkeypatch.setattr(machine, "Path", Fake)


@pytest.mark.parametrize(
    ("flags", "gpu", "expected"),
    [
        ("avx2 avx512_bf16", False, "mixed_bfloat16"),
        ("amx_bf16", False, "mixed_bfloat16"),
        ("avx2 avx512f", False, "float32"),
        ("no_avx512_bf16", False, "float32"),
        (None, False, "float32"),
        ("avx2", True, "mixed_bfloat16"),
        (None, True, "mixed_bfloat16"),
    ],
)
def test_automatic_precision_is_what_the_machine_is_fast_in(monkeypatch, flags, gpu, expected) -> None:
    machine_with(monkeypatch, flags, gpu)
    assert resolve(RunConfig().override("train", precision="auto")).train.precision == expected
    assert (
        resolve(RunConfig().override("train", precision="mixed_float16")).train.precision == "mixed_float16"
    )


def wanting(source: Path | str, **train: object) -> RunConfig:
    """Settings that want votes for both of their uses."""
    data = {"source": str(source), "drop": ("leaked", "not a face")}
    return RunConfig.parse({"data": data, "train": {"votes_weight": 1.0} | train})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "fer.csv").touch()
    return tmp_path / "fer.csv"


@pytest.mark.parametrize("train", [{}, {"votes_weight": 0.0}, {"output": "votes"}])
def test_votes_beside_the_data_are_found(data: Path, train: dict) -> None:
    votes = data.with_name(FILE_NAME)
    votes.touch()
    for source in (data, data.parent):
        wanted = wanting(source, **train)
        settled = resolve(wanted)
        assert settled.data.votes == str(votes)
        assert settled.train == wanted.train and settled.data.drop == wanted.data.drop


def test_votes_that_were_named_are_taken_before_those_beside_the_data(data: Path) -> None:
    data.with_name(FILE_NAME).touch()
    assert resolve(wanting(data).override("data", votes="elsewhere.csv")).data.votes == "elsewhere.csv"


def test_without_votes_a_run_does_without_what_they_are_for(data: Path) -> None:
    for source in (str(data), "synthetic:70"):
        settled = resolve(wanting(source))
        assert (
            settled.data.votes is None
            and settled.train.votes_weight == 0
            and settled.data.drop == ("leaked",)
        )


def test_a_run_that_needs_no_votes_takes_none(data: Path) -> None:
    data.with_name(FILE_NAME).touch()
    config = RunConfig().override("data", source=str(data), drop=("leaked",))
    assert resolve(config) == config


def test_a_run_for_votes_alone_does_not_begin_without_them(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no fer2013new\.csv.*--votes") as caught:
        RunFolder(tmp_path / "run").create(wanting(data, output="votes"))
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_new_run_leaves_nothing_open(name: str, tmp_path: Path, voted: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(PRESETS[name].config.override("data", source=str(voted)))
    config = run.config()
    assert config.train.precision != "auto" and resolve(config) == config
    assert bool(config.train.votes_weight) == (config.data.votes is not None)
