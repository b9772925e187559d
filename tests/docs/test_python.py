"""docs/reference/python.md: its snippets run in their order and print what stands there."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import DOCS, ROOT, Block, blocks, same

PAGE = "reference/python.md"
ASSETS = Path("pages") / "assets"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the one of the project, with nothing but its pictures."""
    shutil.copytree(ROOT / ASSETS, tmp_path / ASSETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(found: list[Block]) -> dict[str, Any]:
    """Run the blocks as one session. The names that it leaves."""
    names: dict[str, Any] = {}
    for block in found:
        printed = io.StringIO()
        shown = "\n".join(re.findall(r"^# > ?(.*)$", block.text, re.MULTILINE))
        code = compile(
            "\n" * (block.line - 1) + block.text, str(DOCS / PAGE), "exec"
        )  # a traceback names the line of the page
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert same(shown, printed.getvalue()), f"line {block.line}:\n{printed.getvalue()}"
    return names


def test_what_needs_no_training(there: Path) -> None:
    run([block for block in blocks(PAGE, "python") if "slow" not in block.words])
    assert {path.name for path in there.iterdir()} >= {
        "boxed.jpg",
        "boxed.mp4",
        "faces.csv",
        "film.csv",
        "why.png",
    }
    assert not (there / "runs").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_page(there: Path) -> None:
    beside = run(blocks(PAGE, "python"))["beside"]
    ends = time.monotonic() + 300
    while beside.alive() and time.monotonic() < ends:
        time.sleep(0.2)
    assert beside.status()["state"] == "stopped" and (there / "mine.onnx").is_file()


def test_most_of_the_page_is_quick() -> None:
    found = blocks(PAGE, "python")
    assert all(block.words in ((), ("slow",)) for block in found)
    assert sum(block.words == () for block in found) > 2 * sum(block.words == ("slow",) for block in found)
