"""Assemble JupyterLite, in which every lab opens in the browser, into `site/lite`.

It runs the Pyodide of `site/pyodide` (tools/pyodide.py) and asks nobody else.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KIT = ROOT / ".movingparts" / "lite"
LABS = ROOT / "labs"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"


class LiteError(Exception):
    """JupyterLite could not be built; the message says why."""


def settings() -> dict[str, object]:
    """Return what JupyterLite is told: our Pyodide, and no other place."""
    kernel = {
        "disablePyPIFallback": True,
        "pyodideUrl": "./../pyodide/pyodide.mjs",
        "loadPyodideOptions": {"lockFileURL": "./../pyodide/pyodide-lock-lab.json"},
    }
    config = {"appName": "Moving Parts", "litePluginSettings": {KERNEL: kernel}}
    return {"jupyter-lite-schema-version": 0, "jupyter-config-data": config}


def build(site: Path) -> Path:
    """Build JupyterLite with all labs in it; return its folder.

    Raises:
        LiteError: `jupyter lite build` failed; its own words are the message.
    """
    shutil.rmtree(KIT, ignore_errors=True)
    contents = KIT / "contents"
    contents.mkdir(parents=True)
    for lab in sorted(LABS.glob("*.ipynb")):
        shutil.copyfile(lab, contents / lab.name)
    (KIT / "jupyter-lite.json").write_text(json.dumps(settings()), "utf-8")
    told = {
        "contents": ["contents"],
        "output_dir": str(KIT / "built"),
        "apps": ["notebooks"],
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
    }
    (KIT / "jupyter_lite_config.json").write_text(
        json.dumps({"LiteBuildConfig": told}), "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "jupyterlite_core", "build"],
        cwd=KIT,
        env={**os.environ, "JUPYTER_PLATFORM_DIRS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LiteError(f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    target = site / "lite"
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(KIT / "built", target)
    return target
