"""The form that learns from a folder of photos: what it asks for, and what it shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.session import helpers
from tests.pages.conftest import open_page

pytestmark = pytest.mark.long


@pytest.fixture
def page() -> AppTest:
    app = open_page("train", train_view="Your faces", own_learn_from="A folder of photos")
    assert not app.exception
    return app


def submit(page: AppTest, folder: str, name: str = "mine") -> AppTest:
    page.text_input(key="photo_folder_path").set_value(folder)
    page.text_input(key="photo_folder_name").set_value(name)
    return page.button[-1].click().run()


@pytest.mark.parametrize(
    ("folder", "name", "message"),
    [
        ("", "mine", "Name the folder of the photos"),
        ("photos", "a/b", "cannot be a model's name"),
        ("nowhere", "mine", "nowhere has no labelled photos: expected labels.csv"),
    ],
)
def test_what_is_missing_is_one_sentence(page: AppTest, folder: str, name: str, message: str) -> None:
    submit(page, folder, name)
    assert not page.exception and len(page.error) == 1
    assert message.replace("_", r"\_") in page.error[0].value.replace("⁠", "")
    assert not page.success


def test_the_figures_of_the_new_model_are_shown(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = {"accuracy": 0.745, "accuracy_ci95": [0.71, 0.77]}
    printed = {"bundle": str(tmp_path / "mine"), "figures": {"photos": part}}
    commands: list[list[str]] = []

    def start(what: str, launch: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        original = subprocess.Popen

        def fake(command: list[str], **options: object) -> subprocess.Popen[bytes]:
            commands.append(command)
            return original([sys.executable, "-c", f"print({json.dumps(printed)!r})"], **options)  # type: ignore[call-overload]

        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", fake)
            return launch()

    monkeypatch.setattr(helpers, "start", start)
    submit(page, str(tmp_path))
    assert not page.exception and not page.error
    assert "The model mine is ready" in page.success[0].value
    (command,) = commands
    assert command[3:8] == ["adapt", "--photos", str(tmp_path), "--name", "mine"]
    assert "--model" in command
