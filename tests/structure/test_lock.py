"""pyproject.toml, the two lists of pins and environment.yml say the same."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.dev.lock import without_hashes

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PINS = (ROOT / "requirements.txt").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = json.loads((ROOT / "package.json").read_text("utf-8"))
PACKAGE_LOCK = json.loads((ROOT / "package-lock.json").read_text("utf-8"))


def pins(text: str) -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = {}
    for line in text.splitlines():
        if line and not line.startswith(("#", " ")):
            pin = Requirement(line.removesuffix("\\").strip())
            [only] = pin.specifier
            assert "==" == only.operator
            found.setdefault(canonicalize_name(pin.name), []).append(
                Version(only.version)
            )
    return found


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]
    parsed = [Requirement(text) for text in texts]
    return [found for found in parsed if found.name != "movingparts"]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_what_pyproject_asks_for_is_pinned(requirement: Requirement) -> None:
    """`make lock` was run after the last change of pyproject.toml."""
    versions = pins(LOCK).get(canonicalize_name(requirement.name), [])
    assert versions
    assert all(version in requirement.specifier for version in versions)


def test_each_pin_has_its_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    without = [entry for entry in entries if "--hash=sha256:" not in entry]
    assert [] == without


def test_the_pins_without_hashes_are_those_of_the_lock() -> None:
    assert without_hashes(LOCK) == PINS
    assert pins(LOCK) == pins(PINS)


def test_the_lock_holds_no_address() -> None:
    assert [] == [line for line in LOCK.splitlines() if "://" in line or "@" in line]


def test_conda_and_binder_install_the_package_under_the_pins() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    python, pip, by_pip = environment["dependencies"]
    assert f"python {PROJECT['requires-python']}" == python
    assert "pip" == pip
    assert {"pip": ["-c requirements.txt", "-e .[lab]"]} == by_pip
    assert "lab" in PROJECT["optional-dependencies"]


def test_the_front_end_lock_is_in_step_and_has_no_addresses_to_fetch_from() -> None:
    top, *installed = PACKAGE_LOCK["packages"].items()
    assert PACKAGES["dependencies"] == top[1]["dependencies"]
    assert PACKAGES["devDependencies"] == top[1]["devDependencies"]
    assert [] == [name for name, package in installed if "resolved" in package]
    assert [] == [name for name, package in installed if "integrity" not in package]


def test_the_front_end_parts_are_pinned_exactly() -> None:
    asked = {**PACKAGES["dependencies"], **PACKAGES["devDependencies"]}
    assert {} == {
        name: version
        for name, version in asked.items()
        if not re.fullmatch(r"\d+\.\d+\.\d+", version)
    }
