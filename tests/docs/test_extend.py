"""docs/guides/extend.md, done: its code goes into a copy of the project, and the tests that it ends each
section with are run there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, ROOT, Block, blocks

pytestmark = pytest.mark.long

PARTS = ["fer_core", "pages", "models", "tests", ".streamlit", "streamlit_app.py", "pyproject.toml"]
MODEL, SOURCE, PAGE = (f"## A {name}" for name in ("model", "data source", "page"))


def apply(block: Block, folder: Path) -> None:
    """Write the new file that a block is, or make the changes that it shows."""
    path = folder / block.words[0]
    if block.language == "python":
        assert not path.exists(), f"{path} is there already: the example must add something new"
        path.write_text(block.text)
        return
    text = path.read_text()
    for change in re.split(r"\n\n(?=[-+ ])", block.text.strip("\n")):
        lines = change.splitlines()
        assert all(line[:1] in ("+", "-", " ") for line in lines), change
        before = "\n".join(line[1:] for line in lines if line[0] != "+")
        after = "\n".join(line[1:] for line in lines if line[0] != "-")
        assert text.count(f"\n{before}\n") == 1, (
            f"{block.words[0]} has not once, but {text.count(before)} times:\n{before}"
        )
        text = text.replace(f"\n{before}\n", f"\n{after}\n")
    path.write_text(text)


def section(title: str) -> list[Block]:
    """The blocks of one section, in the order in which they are to be applied."""
    content = (DOCS / "guides" / "extend.md").read_text()
    first = content[: content.index(title)].count("\n") + 1
    rest = content[content.index(title) + len(title) :]
    last = first + (rest[: rest.index("\n## ")] if "\n## " in rest else rest).count("\n")
    return [
        block
        for language in ("python", "diff")
        for block in blocks("guides/extend.md", language)
        if first < block.line <= last + 1
    ]


def extended(title: str, folder: Path) -> Path:
    """A copy of the project in which one section has been done."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".hypothesis"))
        else:
            shutil.copy(ROOT / part, folder / part)
    found = section(title)
    assert {block.language for block in found} == {"python", "diff"}
    for block in found:
        apply(block, folder)
    return folder


def run(folder: Path, *command: str) -> None:
    """Run Python in the copy, which alone is imported from."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def run_tests(folder: Path, *arguments: str) -> None:
    run(folder, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *arguments)


def test_every_block_belongs_to_a_file_that_the_text_before_it_names() -> None:
    content = (DOCS / "guides" / "extend.md").read_text()
    lines = content.splitlines()
    for language in ("python", "diff"):
        for block in blocks("guides/extend.md", language):
            (path,) = block.words
            assert (ROOT / path).exists() == (language == "diff"), path
            # A change of a test may stand there without words: its first line says enough.
            assert path.startswith("tests/") or any(
                f"`{path}`" in line for line in lines[max(0, block.line - 60) : block.line]
            ), path
    assert len(section(MODEL)) + len(section(SOURCE)) + len(section(PAGE)) == content.count(
        "\n```python "
    ) + content.count("\n```diff ")


def test_a_model_is_added(tmp_path: Path) -> None:
    copy = extended(MODEL, tmp_path)
    run_tests(
        copy,
        "tests/zoo/test_zoo.py",
        "tests/zoo/test_families.py",
        "tests/test_cli.py",
        "tests/training/test_separable.py",
        "-k",
        "separable or settings_and_defaults or what_no_network or presets_json",
    )


def test_a_data_source_is_added(tmp_path: Path) -> None:
    copy = extended(SOURCE, tmp_path)
    run_tests(copy, "tests/data/test_hdf5.py", "tests/test_layers.py", "-k", "hdf5 or opening")


def test_a_page_is_added(tmp_path: Path) -> None:
    copy = extended(PAGE, tmp_path)
    run_tests(
        copy, "tests/pages/test_blend.py", "tests/pages/test_pages.py", "tests/test_layers.py", "-k", "blend"
    )


@pytest.mark.slow
def test_the_added_page_opens_by_its_link_on_a_fresh_server(tmp_path: Path) -> None:
    copy = extended(PAGE, tmp_path)
    run_tests(copy, "tests/pages/test_browser.py", "-k", "deep_link and blend")


@pytest.mark.parametrize("title", [MODEL, SOURCE, PAGE])
def test_the_code_is_tidy(title: str, tmp_path: Path) -> None:
    copy = extended(title, tmp_path)
    files = [block.words[0] for block in section(title)]
    run(copy, "-m", "ruff", "check", *files)
    run(copy, "-m", "ruff", "format", "--check", *files)
