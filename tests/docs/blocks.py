"""The code blocks of a page of the documentation, as its readers see them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(?P<info>\S[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    language: str
    words: tuple[str, ...]  # behind the language on the fence; nobody sees them on the page
    text: str
    line: int  # of the file, from 1: the first one of the text


def blocks(page: str, language: str) -> list[Block]:
    """The blocks of docs/PAGE in one language, in their order."""
    content = (DOCS / page).read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(content):
        first, *words = match["info"].split()
        if first == language:
            found.append(
                Block(first, tuple(words), match["text"], content.count("\n", 0, match.start("text")) + 1)
            )
    return found


def same(shown: str, got: str) -> bool:
    """Whether output is as it is shown, where `...` stands for anything; blanks at the ends of lines do not
    count."""
    pattern = "\n".join(line.rstrip() for line in shown.strip("\n").splitlines())
    parts = [re.escape(part) for part in pattern.split("...")]
    return (
        re.fullmatch(
            ".*?".join(parts), "\n".join(line.rstrip() for line in got.strip("\n").splitlines()), re.DOTALL
        )
        is not None
    )
