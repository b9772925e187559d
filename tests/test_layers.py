"""Imports point one way, and importing is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Each part may import the parts before it, and itself.
ORDER = [
    "emotions errors storage native_output database",
    "imaging config bundle process_folder",
    "data presets zoo",
    "inference",
    "album video",
    "live",
    "evaluation export release quality few_shot explanation robustness hosting",
    "diagnostics",
    "training report",
    "serve scale",
    "cli __main__",
]
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts.split()}


def imported(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports."""
    package = ["fer_core", *path.relative_to(ROOT / "fer_core").parent.parts]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fer_core").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_imports_point_one_way(path: Path) -> None:
    names = imported(path)
    assert not {n for n in names if n.split(".")[0] in ("streamlit", "pages")}
    own = path.relative_to(ROOT / "fer_core").with_suffix("").parts[0]
    if own == "__init__":
        return
    parts = {n.split(".")[1] for n in names if n.startswith("fer_core.") and n.split(".")[1] in RANK}
    assert all(RANK[part] < RANK[own] or part == own or RANK[part] == RANK[own] for part in parts), (
        f"{own} imports {parts}"
    )


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import fer_core", ["tensorflow", "keras", "streamlit", "pandas"]),
        (
            "import fer_core.data, fer_core.cli, fer_core.presets, fer_core.zoo",
            ["tensorflow", "keras", "streamlit"],
        ),
        (
            "import fer_core.inference, fer_core.evaluation.scoring, fer_core.training.launch",
            ["tensorflow", "keras", "streamlit"],
        ),
    ],
)
def test_importing_is_light(code: str, absent: list[str]) -> None:
    check = f"{code}; import sys; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
