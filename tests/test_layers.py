"""Imports point one way, and importing is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Each part may import the parts before it, and itself.
ORDER = [
    "errors wording",
    "emotions picture_limits zip_file csv_cells foreign_json machine resources storage native_output "
    "database",
    "picture_files deep_pixels label_orders keras_import",
    "imaging config process_folder app label_options",
    "metrics data zoo",
    "bundles",
    "presets inference browser",
    "video",
    "album",
    "live",
    "evaluation quality adaptation model_import",
    "explanation robustness training hosting report",
    "diagnostics",
    "runs",
    "serve scale",
    "cli",
    "__main__",
]
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts.split()}


def statements(path: Path) -> list[tuple[str, str]]:
    """Absolute (module, name) of all imports of a file; the name is empty for `import module`."""
    package = path.relative_to(ROOT).parent.parts
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [(module, alias.name) for alias in node.names]
    return found


def imported(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, and of what it imports from them."""
    return {name for module, part in statements(path) for name in (module, f"{module}.{part}")}


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
    assert all(RANK[part] < RANK[own] or part == own for part in parts), f"{own} imports {parts}"


def test_every_part_has_a_place_in_the_order() -> None:
    parts = {path.stem for path in (ROOT / "fer_core").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert parts - {"__init__", "__pycache__", "_resources"} == RANK.keys()


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import fer_core", ["tensorflow", "keras", "streamlit", "pandas"]),
        (
            "import fer_core.data, fer_core.cli, fer_core.presets, fer_core.zoo",
            ["tensorflow", "keras", "streamlit"],
        ),
        (
            "import fer_core.inference, fer_core.evaluation.scoring, fer_core.runs.processes",
            ["tensorflow", "keras", "streamlit"],
        ),
    ],
)
def test_importing_is_light(code: str, absent: list[str]) -> None:
    check = f"{code}; import sys; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def module_name(path: Path) -> str:
    """The name that imports give a file; a package is named without `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("part", ["pages", "fer_core"])
def test_modules_import_each_other_without_a_circle(part: str) -> None:
    files = [ROOT / "streamlit_app.py", *sorted((ROOT / part).rglob("*.py"))]
    modules = {module_name(path): path for path in files}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        # `from package import x` needs x where that is a module, else what the package itself holds.
        wanted = {
            f"{module}.{part}" if f"{module}.{part}" in modules else module
            for module, part in statements(path)
        }
        graph[name] = wanted & modules.keys() - {name}
    assert any(graph.values())
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_parts_of_pages_import_one_way() -> None:
    """Views import widgets, and widgets import the session; no view imports those of another page."""
    order = ["session", "widgets", "views"]
    for part in order:
        for path in sorted((ROOT / "pages" / part).rglob("*.py")):
            for name in (name.split(".") for name in imported(path) if name.startswith("pages.")):
                assert name[1] in order[: order.index(part) + 1], f"{path} imports {'.'.join(name)}"
                if name[1] == part == "views":
                    assert name[2] == path.parent.name, f"{path} imports {'.'.join(name)}"
