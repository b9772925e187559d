"""Fixtures of all tests: a cache of their own, the real data where it is there, and one small trained run."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# The test processes and what they start share the cores: more threads in each wait for each other busily,
# which takes half as much again.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _name in (
        "OPENCV_FOR_THREADS_NUM",
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ):
        os.environ.setdefault(_name, "1")

# WebRTC's library crashes if TensorFlow was imported before; a test worker may need both, the app never.
import numpy as np
import pylibsrtp  # noqa: F401
import pytest
from filelock import FileLock

from . import tiny

if TYPE_CHECKING:
    from fer_core.data import Dataset

gc.disable()  # until `pytest_collection_finish`: hardly anything of what is imported can be freed

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# Containers often forbid bytecode files: each worker would rewrite all assertions again, and each server and
# command that a test starts would compile the app again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no process is left alone with one of them at the end."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Exempt what was imported from garbage collection, which would search all of it again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _begin_empty(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["FER_EXPLORER_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["FER_EXPLORER_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session", autouse=True)
def fixtures_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what the fixtures of all tests cache out of the user's cache; processes that they start inherit
    it."""
    _begin_empty(tmp_path_factory)


@pytest.fixture(scope="module", autouse=True)
def own_cache(fixtures_cache: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each file of tests begins with nothing kept: which file a worker ran before must not matter."""
    _begin_empty(tmp_path_factory)


@pytest.fixture(scope="session", autouse=True)
def faces_are_drawn_once() -> Iterator[None]:
    """Keep the drawn faces of `synthetic:N:SEED`, a millisecond each, for all tests of this process."""
    from fer_core.data import synthetic

    draw = functools.lru_cache(maxsize=100)(synthetic.draw_faces)

    def drawn(count: int, seed: int, **options: float) -> tuple[np.ndarray, np.ndarray]:
        images, labels = draw(count, seed, **options)
        return images.copy(), labels.copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "draw_faces", drawn)
        yield


@pytest.fixture(scope="session", autouse=True)
def packages_are_scanned_once() -> Iterator[None]:
    """Streamlit looks for components in all installed packages, a tenth of a second for each AppTest."""
    from streamlit.components.v2 import manifest_scanner

    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: list(scan()))
        yield


@pytest.fixture(scope="session", autouse=True)
def keras_is_left_alone() -> Iterator[None]:
    """With Keras imported, Streamlit clears its session and collects all garbage after each run of a page.

    That is half the time of an AppTest here, and nothing in the app, whose process has no Keras.
    """
    from streamlit.runtime.scriptrunner import script_runner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real data, beside the checkout."""
    if not (SHARED / "data" / "fer2013.parquet").is_file():
        pytest.skip(f"the real data is not at {SHARED}")
    return SHARED


class Shell:
    """`python -m fer_core` as a script calls it."""

    def __call__(
        self, *arguments: object, cwd: Path = ROOT, timeout: float = 3600
    ) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        environment = os.environ | {"PYTHONPATH": path}
        command = [sys.executable, "-m", "fer_core", *map(str, arguments)]
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout
        )

    def json(self, *arguments: object) -> object:
        """The JSON that a command prints; nothing else may stand on stdout."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def error(self, *arguments: object) -> str:
        """The one sentence on stderr of a command that must fail by the user's mistake."""
        done = self(*arguments)
        assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("error: "), done.stderr
        return lines[0]


class Command(Shell):
    """The same in this process, which spares the start of another and its imports: what a command answers is
    tried so, and that a process does the same by the tests with `shell`."""

    def __call__(
        self, *arguments: object, cwd: Path = ROOT, timeout: float = 3600
    ) -> subprocess.CompletedProcess[str]:
        from fer_core.cli import main

        words = [str(argument) for argument in arguments]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(words)
            except SystemExit as end:  # wrong usage
                status = end.code
        return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def shell() -> Shell:
    return Shell()


@pytest.fixture(scope="session")
def command() -> Command:
    return Command()


def _once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills, made by the first of the test processes that asks for it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            folder.mkdir()
            make(folder)
            (folder / "complete").touch()
    return folder


def _opened(source: Path | str, cache: Path) -> Dataset:
    """Open a source with a cache of its own."""
    from fer_core.data import open_dataset

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_EXPLORER_CACHE", str(cache / "cache"))
        return open_dataset(source)


@pytest.fixture(scope="session")
def fer2013_data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """All of FER2013, which takes seconds to read: once for all test processes. Its arrays are read-only."""
    source = shared / "data" / "fer2013.parquet"
    return _opened(source, _once(tmp_path_factory, "fer2013", lambda folder: _opened(source, folder)))


@pytest.fixture(scope="session")
def drawn_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of a process that has drawn the embedded faces."""
    return _once(tmp_path_factory, "drawn", lambda folder: _opened("synthetic", folder)) / "cache"


@pytest.fixture(scope="session")
def _trained_run(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        options = ["--data", "synthetic:350", "--preset", "baseline-weighted-s", "--epochs", 2]
        result = command.json("train", *options, "--run-dir", folder / "small")
        assert isinstance(result, dict) and (result["state"], result["epochs"]) == ("finished", 2)

    return _once(tmp_path_factory, "trained", make) / "small"


@pytest.fixture
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.leave_out_bundles(monkeypatch)


@pytest.fixture(scope="session")
def voted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CSV of `tiny.write_voted`, with votes beside it."""
    return tiny.write_voted(tmp_path_factory.mktemp("voted"))


@pytest.fixture(scope="session")
def _voted_of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for the runs that the test processes share."""
    folder = _once(tmp_path_factory, "voted", tiny.write_voted)
    (path,) = [path for path in folder.glob("*.csv") if path.name != "fer2013new.csv"]
    return path


@pytest.fixture(scope="session")
def _labels_run(_voted_of_all: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = tiny.settings(
        _voted_of_all,
        {"mirror": True, "quantisation": "int8"},
        ["leaked", "not a face"],
        votes_weight=1.0,
        precision="mixed_bfloat16",
    )
    folder = _once(tmp_path_factory, "labels", lambda folder: tiny.train_run(folder / "labels", config))
    return folder / "labels"


@pytest.fixture(scope="session")
def _votes_run(_voted_of_all: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = tiny.settings(
        _voted_of_all,
        {"mirror": True, "zoom": True},
        votes_weight=1.0,
        output="votes",
        keep="last",
        average=0.3,
        class_weight="balanced",
    )
    folder = _once(tmp_path_factory, "votes", lambda folder: tiny.train_run(folder / "votes", config))
    return folder / "votes"


@pytest.fixture(scope="module")
def trained_run(_trained_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run: a small network, two epochs on embedded faces."""
    return _copied(_trained_run, tmp_path_factory)


@pytest.fixture(scope="module")
def labels_run(_labels_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that learned labels and votes, and answers as the labels say; mirrored, in 8 bits."""
    return _copied(_labels_run, tmp_path_factory)


@pytest.fixture(scope="module")
def votes_run(_votes_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that learned labels and votes, and answers as the voters do; its last, averaged weights
    are kept; with all views."""
    return _copied(_votes_run, tmp_path_factory)


def _copied(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for each file of tests, since an evaluation is kept in the bundle that it is of."""
    return Path(shutil.copytree(run, tmp_path_factory.mktemp("runs") / run.name))
