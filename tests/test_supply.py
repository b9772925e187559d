"""The packages of the app are pinned, and no licence of theirs restricts running a server."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

# Packages with such terms would bind a deployment.
FORBIDDEN = re.compile(r"AGPL|Affero|SSPL|Commons Clause|non-?commercial", re.IGNORECASE)


def requirements(name: str = "requirements.txt") -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-scale.txt", "requirements-onnx.txt"]
)
def test_every_requirement_has_a_lower_and_an_upper_bound(name: str) -> None:
    for requirement in requirements(name):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert "==" in operators or {">=", "<"} <= operators, str(requirement)


def needed() -> dict[str, Requirement]:
    """The requirements of this platform with all that they need in turn, by name."""
    waiting = [r for r in requirements() if r.marker is None or r.marker.evaluate()]
    closure: dict[str, Requirement] = {}
    while waiting:
        requirement = waiting.pop()
        if canonical(requirement.name) in closure:
            continue
        closure[canonical(requirement.name)] = requirement
        extras = requirement.extras or {""}
        for line in metadata(requirement.name).get_all("Requires-Dist") or []:
            further = Requirement(line)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(further)
    return closure


def test_what_is_installed_is_within_the_bounds() -> None:
    for requirement in requirements():
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(metadata(requirement.name)["Version"]), str(requirement)


def test_no_licence_restricts_running_a_server() -> None:
    packages = needed()
    assert len(packages) > 60
    for name in packages:
        try:
            package = metadata(name)
        except PackageNotFoundError:
            continue
        fields = [
            package.get("License-Expression"),
            package.get("License"),
            *(package.get_all("Classifier") or []),
        ]
        # A whole licence text may mention others: its title says what it is.
        titles = [field.strip().splitlines()[0] for field in fields if field and field.strip()]
        assert not [title for title in titles if FORBIDDEN.search(title)], name


def locked() -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package in requirements.lock; a package may have two versions."""
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", text)
    found = {}
    for block in blocks:
        if match := re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", block):
            found[canonical(match[1])] = (match[2], block.count("--hash=sha256:"))
    return found


def test_the_lock_file_has_every_package_within_its_bounds_and_by_hash() -> None:
    """A deployment installs exactly what was tested: `.ci/lock` writes the file."""
    versions = locked()
    for requirement in requirements():
        version, _ = versions[canonical(requirement.name)]
        assert requirement.specifier.contains(version), str(requirement)
    assert len(versions) > 80 and all(hashes for _, hashes in versions.values())
    installed = {name for name, requirement in needed().items()}
    assert not installed - versions.keys() - {"pip", "setuptools"}


def test_the_lock_keeps_to_its_constraints() -> None:
    """pip refuses the whole lock for one package that is not for this Python, which uv does not notice."""
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    for constraint in requirements(".ci/constraints.txt"):
        version = locked[canonical(constraint.name)]
        assert constraint.specifier.contains(version), f"{constraint.name} {version}: run .ci/lock"
