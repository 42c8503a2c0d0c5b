"""Assemble the Pyodide that pages and labs run in the browser.

Pyodide itself is an npm package of package.json. The wheels come from the package
index at the lock's versions and hashes, ours is built from src. `assemble(site)` puts
all of it into `site/pyodide`, with two lock files in Pyodide's own form:

    pyodide-lock.json      what chapter pages load: movingparts and its core
    pyodide-lock-lab.json  the same, with what JupyterLite's kernel and figures need,
                           and what a lab loads when a cell imports it (`ASKED_FOR`)

The library pyodide-lock was tried (0.1.2, 0.2.1): it refuses wheels that are tagged
`pyemscripten`, as pydantic-core's is, and from 0.1.3 on it needs Python 3.12.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from tools.dev.alone import alone
from tools.site import licenses
from tools.site.licenses import metadata

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / ".movingparts" / "pyodide"
WHEELS = KIT / "wheels"
RUNTIME = ROOT / "node_modules" / "pyodide"
RUNTIME_FILES = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
)
ITSELF = "movingparts"
PYTHON = "3.14"  # of the Pyodide in package.json, and so the tags that follow
PLATFORM = "pyemscripten_2026_0_wasm32"
INSIDE = {
    "sys_platform": "emscripten",
    "platform_system": "Emscripten",
    "platform_machine": "wasm32",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "extra": "",
}
# What JupyterLite's kernel installs on its own, apart from the wheels it brings.
KERNEL = ("comm", "ipython", "jedi", "micropip", "packaging")
BROUGHT = ("ipykernel", "piplite", "pyodide-kernel")
# What JupyterLite's kernel loads before a cell whose own text imports it: the lock
# lists it, nothing there depends on it, and no lab that does without it asks for it.
ASKED_FOR = ("sqlalchemy",)
# Front-end parts and other systems' parts, which ipywidgets asks for by name.
LEFT_OUT = frozenset({"widgetsnbextension", "jupyterlab-widgets"})
# The one part of IPython that a page needs: how it prints a value, as in the build.
PRINTER = {
    "pretty.py": "IPython/lib/pretty.py",
    "pretty.LICENSE.txt": "LICENSE",
}


class KitError(Exception):
    """The wheels could not be fetched; the message says what to do."""


def _project() -> dict[str, list[str]]:
    """Return what the package needs: its core as "", and each extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def inside(requirements: Iterable[str]) -> list[str]:
    """Return the names of those requirements that hold inside Pyodide."""
    found = [Requirement(text) for text in requirements]
    return sorted(
        canonicalize_name(each.name)
        for each in found
        if each.marker is None or each.marker.evaluate(INSIDE)
    )


def core() -> list[str]:
    """Return the names of what the package's core asks for."""
    return inside(_project()[""])


def lab() -> list[str]:
    """Return the names of what a lab asks for: figures in a notebook, and a kernel."""
    return sorted({*core(), *inside(_project()["draw"]), *KERNEL} - LEFT_OUT)


def in_all() -> list[str]:
    """Return the names of all that a lab may load, at its start or later."""
    return needed([*lab(), *ASKED_FOR])


def asked_by(name: str) -> list[str]:
    """Return what a package asks for: by its wheel, else by the one installed here."""
    wheel = next(
        (file for file in WHEELS.glob("*.whl") if name == named(file)),
        None,
    )
    if wheel is not None:
        return depends(wheel)
    try:
        return [each for each in inside(requires(name) or []) if each not in LEFT_OUT]
    except PackageNotFoundError:
        return []


def needed(roots: Iterable[str]) -> list[str]:
    """Return these packages and all that they ask for inside Pyodide, sorted."""
    waiting, found = list(roots), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += asked_by(name)
    return sorted(found)


def named(wheel: Path) -> str:
    """Return the name of the package in a wheel."""
    return str(parse_wheel_filename(wheel.name)[0])


def depends(wheel: Path) -> list[str]:
    """Return what a wheel asks for inside Pyodide, by its own METADATA."""
    asked = metadata(wheel).get_all("Requires-Dist") or []
    return [each for each in inside(asked) if each not in LEFT_OUT]


def pins(names: list[str]) -> str:
    """Return the lock's lines, with hashes, of the packages named."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    entries = re.findall(r"^[a-z0-9].*(?:\n +--hash.*)*", lock, re.MULTILINE)
    wanted = {
        canonicalize_name(re.split(r"[=\[ ]", entry, maxsplit=1)[0]): entry
        for entry in entries
    }
    missing = [name for name in names if name not in wanted]
    if missing:
        raise KitError(f"requirements.lock lacks {', '.join(missing)}: run make lock.")
    # The lock's markers speak of the machine that asks; here Pyodide is asked for.
    return "\n".join(re.sub(r" ;[^\\\n]*", " ", wanted[name]) for name in names) + "\n"


def download(names: list[str]) -> None:
    """Fetch the wheels of these packages, and of no other.

    Raises:
        KitError: pip could not; its own words are the message.
    """
    listed = KIT / "pins.txt"
    listed.write_text(pins(names), "utf-8")
    target = ["--python-version", PYTHON, "--implementation", "cp"]
    for kind in (f"cp{PYTHON.replace('.', '')}", "abi3", "none"):
        target += ["--abi", kind]
    target += ["--platform", PLATFORM, "--platform", "any"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--require-hashes"]
    command += [*target, "-r", str(listed), "-d", str(WHEELS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KitError(f"{done.stdout}{done.stderr}\npip could not fetch the wheels.")


def fetch() -> Path:
    """Return the folder of wheels, filled if the lock or pyproject changed since."""
    with alone("pyodide"):
        return _fetch()


def _fetch() -> Path:
    stamp = KIT / "ready"
    read = (ROOT / "requirements.lock", ROOT / "pyproject.toml", Path(__file__))
    known = hashlib.sha256(b"".join(file.read_bytes() for file in read)).hexdigest()
    if stamp.is_file() and stamp.read_text("utf-8") == known:
        return WHEELS
    print("Fetching the wheels that run in the browser.", flush=True)
    shutil.rmtree(KIT, ignore_errors=True)
    WHEELS.mkdir(parents=True)
    had: list[str] = []
    # A package that is not installed here lists its requirements only in its wheel.
    while (names := in_all()) != had:
        download([name for name in names if name not in had])
        had = names
    stamp.write_text(known, "utf-8")
    return WHEELS


def core_wheels() -> list[Path]:
    """Return the wheels that the simulated world needs, fetched."""
    wanted = set(needed_after_fetch(core()))
    return [file for file in sorted(WHEELS.glob("*.whl")) if named(file) in wanted]


def needed_after_fetch(roots: Iterable[str]) -> list[str]:
    """Return the closure of these packages, by the wheels themselves."""
    fetch()
    return needed(roots)


def own_wheel(folder: Path) -> Path:
    """Build the package's wheel into a folder; its name changes with its content."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    done = subprocess.run(
        [*command, "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise KitError(f"{done.stdout}{done.stderr}\nhatchling built no wheel.")
    built = next(folder.glob("*.whl"))
    name, version, _, _ = parse_wheel_filename(built.name)
    content = hashlib.sha256(built.read_bytes()).hexdigest()[:10]
    # A build tag begins with a digit. It keeps a browser from an old copy.
    return built.rename(folder / f"{name}-{version}-1{content}-py3-none-any.whl")


def brought_wheels() -> list[Path]:
    """Return the wheels that JupyterLite's kernel brings with it."""
    share = Path(sys.prefix) / "share/jupyter/labextensions"
    folder = share / "@jupyterlite/pyodide-kernel-extension/static/pypi"
    found = [file for file in sorted(folder.glob("*.whl")) if named(file) in BROUGHT]
    if len(found) != len(BROUGHT):
        raise KitError(f"jupyterlite-pyodide-kernel lacks its wheels in {folder}.")
    return found


def entry(wheel: Path, asks: list[str]) -> dict[str, object]:
    """Return the entry of one wheel in pyodide-lock.json."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    return {
        "name": str(name),
        "version": str(version),
        "file_name": wheel.name,
        "install_dir": "site",
        "package_type": "package",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "imports": imports(wheel),
        "depends": asks,
        "unvendored_tests": False,
    }


def imports(wheel: Path) -> list[str]:
    """Return the top-level names that a wheel's modules are imported by."""
    with zipfile.ZipFile(wheel) as archive:
        tops = [name.split("/") for name in archive.namelist()]
    names = {
        parts[0].partition(".")[0]
        for parts in tops
        if (len(parts) > 1 or parts[0].endswith((".py", ".so")))
        and not parts[0].endswith((".dist-info", ".data"))
    }
    return sorted(names)


def lock(wheels: list[Path], roots: list[str]) -> str:
    """Return a pyodide-lock.json of these wheels, where ours asks for `roots`."""
    info = json.loads((RUNTIME / "pyodide-lock.json").read_text("utf-8"))["info"]
    here = {named(file) for file in wheels}
    packages = {}
    for file in wheels:
        asks = roots if named(file) == ITSELF else depends(file)
        # A wheel that JupyterLite brings replaces one that would not run here.
        packages[named(file)] = entry(file, [name for name in asks if name in here])
    return json.dumps({"info": info, "packages": packages}, indent=1, sort_keys=True)


def printer() -> dict[str, bytes]:
    """Return the files of IPython's printer: the module and its license."""
    wheel = next(file for file in WHEELS.glob("*.whl") if named(file) == "ipython")
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
        return {
            name: archive.read(next(each for each in held if each.endswith(end)))
            for name, end in PRINTER.items()
        }


def write(path: Path, content: bytes) -> None:
    """Write a file unless it holds the same bytes."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def assemble(site: Path) -> Path:
    """Put Pyodide, the wheels and their two locks into `site/pyodide`; return it.

    Raises:
        KitError: a wheel could not be fetched or built.
    """
    fetch()
    # A separate folder: two builds at the same time take nothing from each other.
    with tempfile.TemporaryDirectory() as folder:
        return _assemble(site / "pyodide", own_wheel(Path(folder)))


def _assemble(target: Path, own: Path) -> Path:
    for_pages = [*core_wheels(), own]
    wanted = set(in_all())
    wheels = [file for file in sorted(WHEELS.glob("*.whl")) if named(file) in wanted]
    for_labs = [*wheels, *brought_wheels(), own]
    files = {file.name: file.read_bytes() for file in for_labs}
    files |= {name: (RUNTIME / name).read_bytes() for name in RUNTIME_FILES}
    files["pyodide-lock.json"] = lock(for_pages, core()).encode()
    files["pyodide-lock-lab.json"] = lock(for_labs, lab()).encode()
    files |= printer()
    files["LICENSES.txt"] = licenses.text(for_labs)
    for name, content in files.items():
        write(target / name, content)
    for stale in target.iterdir():
        if stale.name not in files:
            stale.unlink()
    return target


def main() -> int:
    """Fetch the wheels; 0 when they are there."""
    try:
        wheels = fetch()
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(list(wheels.glob('*.whl')))} wheels for Pyodide are there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
