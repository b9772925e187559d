"""docs/reference/shell.md: every command has an example, and the examples print what stands there."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.cli import _parser, main
from fer_core.runs.run_folder import RunFolder
from tests.docs.blocks import DOCS, ROOT, Block, blocks, same

PAGE = "reference/shell.md"
PROGRAM = "python -m fer_core"
PORTRAIT = Path("pages") / "assets"


def commands() -> dict[str, argparse.ArgumentParser]:
    """The commands of the parser."""
    (found,) = [action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found.choices)


def examples(*kinds: str) -> list[Block]:
    return [block for block in blocks(PAGE, "console") if block.words[0] in kinds]


def steps(block: Block) -> list[tuple[str, str]]:
    """The command lines of an example, each with the output below it."""
    parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    assert not parts[0], f"line {block.line}: an example begins with a command"
    return list(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for the one of the project, with nothing but its pictures."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / PORTRAIT, folder / PORTRAIT)
    return folder


@pytest.fixture
def there(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    monkeypatch.delenv("FER_RUNS_DIR", raising=False)
    for name in ("CACHE", "HOME"):  # as of somebody who begins: counts of looks at test splits are printed
        monkeypatch.setenv(f"FER_EXPLORER_{name}", str(place / f".{name.lower()}"))
    monkeypatch.setenv("FER_MODELS_DIR", str(place / "models"))
    return place


def test_every_command_has_a_heading_and_an_example_and_no_other_is_named() -> None:
    text = (DOCS / PAGE).read_text()
    known = set(commands())
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) == known
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) == known, "the table at the top"
    for name, part in zip(*[iter(re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:])] * 2, strict=True):
        assert f"$ {PROGRAM} {name} " in part or f"$ {PROGRAM} {name}\n" in part, name
    assert set(re.findall(rf"{PROGRAM} ([a-z][\w-]*)", text)) <= known


def test_every_example_says_how_it_is_tested() -> None:
    assert all(
        len(block.words) == 1 and block.words[0] in ("quick", "slow", "shown")
        for block in blocks(PAGE, "console")
    )
    assert len(examples("quick")) > 6 and len(examples("shown")) < 2


def test_options_in_the_text_and_in_what_is_only_shown_exist() -> None:
    known = {
        option
        for parser in commands().values()
        for action in parser._actions
        for option in action.option_strings
    }
    prose = re.sub(r"^```.*?^```$", "", (DOCS / PAGE).read_text(), flags=re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", prose)) <= known
    for block in examples("shown"):
        for line, _ in steps(block):
            _parser().parse_args(shlex.split(line.removeprefix(f"{PROGRAM} ")))


@pytest.mark.parametrize("block", examples("quick"), ids=lambda block: f"line {block.line}")
def test_a_quick_example_prints_what_stands_there(
    block: Block, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for line, shown in steps(block):
        assert line.startswith(f"{PROGRAM} ")
        status = main(shlex.split(line.removeprefix(f"{PROGRAM} ")))
        printed = capsys.readouterr()
        got = printed.err if status else printed.out
        assert status == (1 if shown.startswith("error: ") else 0), printed.err
        assert same(shown, got), f"$ {line}\n{got}"


def in_a_shell(block: Block, folder: Path) -> None:
    """Run an example in bash and compare what each of its commands prints."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    script = "set -m\n" + "\n".join(
        f"{line}\nprintf '\\n$ %s\\n' {i}" for i, (line, _) in enumerate(steps(block))
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=900
    )
    printed = re.split(r"^\$ \d+\n", done.stdout, flags=re.MULTILINE)[:-1]
    for (line, shown), got in zip(steps(block), printed, strict=True):
        if shown.startswith("error: "):
            got = done.stderr
        print(f"$ {line}\n{got}", flush=True)  # with -s one sees how far it is
        assert same(shown, got), f"line {block.line}: $ {line}\n{got}\n{done.stderr[-2000:]}"


def until(condition: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.2)
    return condition()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_examples_in_their_order_in_a_real_shell(there: Path) -> None:
    second = RunFolder(there / "runs" / "second")  # the one that trains in the background
    try:
        for block in examples("quick", "slow"):
            if " steer " in block.text:  # a stop that comes while the process starts would be forgotten
                assert until(lambda: second.status()["state"] == "running", 120)
            in_a_shell(block, there)
        assert until(lambda: second.status()["state"] == "stopped", 120)
    finally:
        if second.exists():
            second.request_stop()
            assert until(lambda: not second.alive(), 120), "it would train on after the tests"
