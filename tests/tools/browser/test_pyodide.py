"""What runs in the browser is assembled from the lock, and says whose it is."""

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from tools.browser import pyodide
from tools.site import frontend, licenses


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frontend.install()
    return pyodide.assemble(tmp_path_factory.mktemp("site"))


def read(kit: Path, name: str) -> dict[str, dict]:
    return json.loads((kit / name).read_text("utf-8"))["packages"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pyodide-lock.json", "pyodide-lock-lab.json"])
def test_each_wheel_is_there_with_the_hash_that_the_lock_names(
    kit: Path, name: str
) -> None:
    for package in read(kit, name).values():
        content = (kit / package["file_name"]).read_bytes()
        assert package["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pyodide-lock.json", "pyodide-lock-lab.json"])
def test_what_a_wheel_asks_for_is_in_the_same_lock(kit: Path, name: str) -> None:
    packages = read(kit, name)
    asked = {each for package in packages.values() for each in package["depends"]}
    assert asked <= packages.keys()


@pytest.mark.slow
def test_pages_load_the_core_and_labs_a_kernel(kit: Path) -> None:
    pages, labs = (
        read(kit, "pyodide-lock.json"),
        read(kit, "pyodide-lock-lab.json"),
    )
    wanted = {"movingparts", "fastapi", "httpx", "pydantic", "async-solipsism"}
    assert wanted <= pages.keys()
    assert {"ipython", "anywidget", "uvicorn", "nats-py"}.isdisjoint(pages)
    assert {"ipython", "anywidget", "pyodide-kernel", "piplite"} <= labs.keys()
    assert pages.keys() <= labs.keys()


@pytest.mark.slow
def test_our_wheel_is_renamed_when_its_content_changes(
    kit: Path, tmp_path: Path
) -> None:
    """A browser that has an old copy asks for the new one."""
    (ours,) = kit.glob("movingparts-*.whl")
    with zipfile.ZipFile(ours) as archive:
        held = {name for name in archive.namelist() if "/check/exercises/" in name}
    home = pyodide.ROOT / "labs" / "exercises"
    files = [path.relative_to(home) for path in home.rglob("check.py")]
    assert {f"movingparts/check/exercises/{path}" for path in files} <= held
    again = pyodide.own_wheel(tmp_path)
    assert ours.name == again.name
    assert ours.read_bytes() == again.read_bytes()


@pytest.mark.slow
def test_nothing_lies_there_that_no_page_asks_for(kit: Path) -> None:
    (kit / "old-1.0-py3-none-any.whl").write_bytes(b"")
    pyodide.assemble(kit.parent)
    named = {p["file_name"] for p in read(kit, "pyodide-lock-lab.json").values()}
    assert named == {file.name for file in kit.glob("*.whl")}


@pytest.mark.slow
def test_each_wheel_names_its_license(kit: Path) -> None:
    reported = (kit / "LICENSES.txt").read_text("utf-8")
    assert re.search(r"async-solipsism [\d.]+: GPL-3\.0-or-later", reported)
    assert "GNU GENERAL PUBLIC LICENSE" in reported
    for wheel in kit.glob("*.whl"):
        name, version = pyodide.parse_wheel_filename(wheel.name)[:2]
        assert f"{name} {version}: " in reported
        # The kernel's stand-in for ipykernel is the one that says nothing.
        assert licenses.licensed(wheel) or name == "ipykernel"


def test_a_package_that_the_lock_lacks_is_named() -> None:
    with pytest.raises(pyodide.KitError, match=r"lacks nobodys-package: run make lock"):
        pyodide.pins(["nobodys-package"])
