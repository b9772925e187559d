"""What the app installs is pinned, listed with its licences, and in the bill of materials."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

# Those with terms for whoever only runs a server would bind a deployment.
FORBIDDEN = re.compile(r"AGPL|Affero|SSPL|Commons Clause|non-?commercial", re.IGNORECASE)


def requirements(name: str = "requirements.txt") -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-scale.txt"])
def test_every_requirement_has_a_lower_and_an_upper_bound(name: str) -> None:
    for requirement in requirements(name):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert "==" in operators or {">=", "<"} <= operators, str(requirement)


def test_every_requirement_stands_in_the_licences_and_the_bill_of_materials() -> None:
    needed = {
        canonical(r.name)
        for r in requirements()
        if r.marker is None or r.marker.evaluate({"sys_platform": "linux", "platform_machine": "x86_64"})
    }
    listed = {
        canonical(line.split("|")[1].strip()): line
        for line in (ROOT / "docs" / "licences.md").read_text().splitlines()
        if line.count("|") > 3
    }
    bill = json.loads((ROOT / "docs" / "sbom.json").read_text())
    components = {canonical(component["name"]): component["version"] for component in bill["components"]}
    assert needed <= listed.keys() and needed <= components.keys()
    for requirement in requirements():
        if canonical(requirement.name) in needed:
            assert requirement.specifier.contains(components[canonical(requirement.name)]), str(requirement)
    assert not [line for line in listed.values() if FORBIDDEN.search(line)]


def test_the_bill_names_nobody_and_no_folder() -> None:
    text = Path(ROOT / "docs" / "sbom.json").read_text()
    assert "/tmp/" not in text and "/root/" not in text and "/home/" not in text
