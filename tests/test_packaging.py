"""A release is made; its wheel installs into an empty environment and works there from any folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.pages.conftest import free_port
from tests.test_supply import FORBIDDEN, canonical, requirements
from tests.until import until

PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"


def test_the_entries_of_the_project_are_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"fer-explorer": "fer_core.app:main"}
    assert set(project["project"]["dynamic"]) == {"version", "dependencies", "optional-dependencies"}
    models = {path.name for path in (ROOT / "models").iterdir() if not path.name.startswith(".")}
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    shipped = subprocess.run(["git", "ls-files", "models"], cwd=ROOT, capture_output=True, text=True).stdout
    assert (
        {name.split("/")[1] for name in shipped.split()}
        == {name.split("/")[1] for name in included if name.startswith("models/")}
        <= models
    )
    for source in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]:
        assert (ROOT / source).exists(), source
    assert "MIT" in (ROOT / "LICENSE").read_text() and project["project"]["license"] == "MIT"


def environment(folder: Path) -> dict[str, str]:
    """The environment of a user who has just installed it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FER_", "PYTHON"))}
    return kept | {"HOME": str(folder)}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `.ci/release` fills."""
    # In a copy, so that nothing is left in the checkout, and nothing of it but its files gets in.
    copy = tmp_path_factory.mktemp("project") / "copy"
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    subprocess.run(["bash", ".ci/release"], cwd=copy, check=True, timeout=1500, capture_output=True)
    return copy / "dist"


@pytest.fixture(scope="module")
def wheel(release: Path) -> Path:
    (path,) = release.glob("fer_explorer-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The bin folder of an empty environment into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    binaries = folder / "venv" / "bin"
    install = [str(binaries / "python"), "-m", "pip", "install", "-q", str(wheel)]
    subprocess.run(install, check=True, timeout=1200)
    yield binaries
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_licences_and_bill_of_materials_list_every_requirement(release: Path) -> None:
    needed = {canonical(r.name): r for r in requirements() if r.marker is None or r.marker.evaluate()}
    licences = {
        canonical(line.split("|")[1].strip()): line
        for line in (release / "licences.md").read_text().splitlines()
        if line.count("|") > 3
    }
    text = (release / "sbom.json").read_text()
    bill = {
        canonical(component["name"]): component["version"] for component in json.loads(text)["components"]
    }
    assert needed.keys() <= licences.keys() and needed.keys() <= bill.keys()
    assert all(requirement.specifier.contains(bill[name]) for name, requirement in needed.items())
    assert not [line for line in licences.values() if FORBIDDEN.search(line)]
    assert "/tmp/" not in text and "/root/" not in text and "/home/" not in text


@pytest.mark.slow
def test_the_wheel_holds_models_and_pages_and_its_requirements_once(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        (metadata,) = [name for name in names if name.endswith("METADATA")]
        text = file.read(metadata).decode()
    for name in (
        "models/standard/model.tflite",
        "pages/start.py",
        "streamlit_app.py",
        ".streamlit/config.toml",
    ):
        assert f"fer_core/_resources/{name}" in names
    assert not [name for name in names if name.startswith(("tests", "pages", "models", "docs"))]
    required = [
        line.removeprefix("Requires-Dist: ") for line in text.splitlines() if line.startswith("Requires-Dist")
    ]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = [line.partition("#")[0].strip() for line in lines]
    base = [line for line in required if "extra ==" not in line]
    assert len(base) == len([line for line in wanted if line])
    assert "Provides-Extra: scale" in text and "Provides-Extra: dev" in text


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_shell_and_python_work_from_another_folder(installed: Path, tmp_path: Path) -> None:
    shutil.copy(PORTRAIT, tmp_path / "photo.jpg")
    python = str(installed / "python")
    done = subprocess.run(
        [python, "-m", "fer_core", "predict", "photo.jpg", "--json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (photo,) = json.loads(done.stdout)
    assert photo["faces"][0]["label"] == "happy"
    code = "from fer_core.inference import Predictor; print(Predictor().predict('photo.jpg')[0].label)"
    done = subprocess.run(
        [python, "-c", code],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "happy\n", done.stderr
    done = subprocess.run(
        [python, "-m", "fer_core", "models", "--json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert {model["name"] for model in json.loads(done.stdout)} >= {"standard", "tiny", "best", "ferplus"}
    assert not [path for path in tmp_path.iterdir() if path.name in ("models", "runs")]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_processes_that_it_starts_find_files_of_the_same_folder(
    installed: Path, voted: Path, tmp_path: Path
) -> None:
    shutil.copy(voted, tmp_path / "faces.csv")
    command = ["cross-validate", "--data", "faces.csv", "--preset", "quick", "--folds", "2"]
    done = subprocess.run(
        [str(installed / "python"), "-m", "fer_core", *command, "--set", "train.epochs=1"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and "accuracy out of sample" in done.stdout, done.stderr
    assert len(list((tmp_path / "runs").glob("*-fold-*"))) == 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_its_pages_run(installed: Path, tmp_path: Path) -> None:
    code = """
from streamlit.testing.v1 import AppTest
from fer_core.resources import ROOT
app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
for page in ("pages/dataset.py", "pages/models.py", "pages/predict.py"):
    assert not app.exception, app.exception
    app = app.switch_page(page).run()
assert not app.exception and app.title[0].value == "Predict"
"""
    done = subprocess.run(
        [str(installed / "python"), "-c", code],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _opens_and_ends(command: list[str], port: int, folder: Path, environment: dict[str, str]) -> None:
    """Check that a command opens the app, and that no server outlives it when it is ended."""
    with open(folder / "log", "wb") as log:
        app = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2) as answer:
                return answer.read() == b"ok"
        except OSError:
            return False

    try:
        until(healthy, 60)
    finally:
        app.terminate()
        app.wait(timeout=30)
    assert not healthy()


@pytest.mark.long
def test_ending_the_command_ends_the_app(tmp_path: Path) -> None:
    port = free_port()
    code = "import sys; from fer_core.app import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "--server.headless=true", f"--server.port={port}"]
    _opens_and_ends(command, port, tmp_path, os.environ | {"PYTHONPATH": str(ROOT)})


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_app_opens_from_another_folder(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [str(installed / "fer-explorer"), "--server.headless=true", f"--server.port={port}"]
    _opens_and_ends(command, port, tmp_path, environment(tmp_path))
