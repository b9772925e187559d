"""docs/tour/tour.md and the links of all pages: what is pointed at is there, and the pictures are small and
whole."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.docs.blocks import DOCS, ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
LARGEST, ALL_TOGETHER = 120_000, 1_000_000  # bytes


def links(page: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(page: Path) -> set[str]:
    """The headings of a page as links call them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_picture_of_the_tour_is_shown_once_and_told_to_those_who_cannot_see_it() -> None:
    shown = re.findall(r"!\[([^\]]+)\]\(([\w-]+)\.png\)", (DOCS / "tour" / "tour.md").read_text())
    assert sorted(name for _, name in shown) == sorted(path.stem for path in (DOCS / "tour").glob("*.png"))
    assert all(len(text) > 30 for text, _ in shown)


def test_the_pictures_are_those_that_the_script_takes() -> None:
    tree = ast.parse((DOCS / "tour" / "take.py").read_text())
    taken = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "take"
        and isinstance(node.args[0], ast.Constant)
    }
    assert taken == {path.stem for path in (DOCS / "tour").glob("*.png")}


def test_the_pictures_are_small_and_of_one_size() -> None:
    found = list((DOCS / "tour").glob("*.png"))
    assert len(found) > 8
    for path in found:
        with Image.open(path) as picture:
            picture.load()
            assert picture.size == (1280, 800), path.name
        assert path.stat().st_size < LARGEST, path.name
    assert sum(path.stat().st_size for path in found) < ALL_TOGETHER
