"""Assemble JupyterLite, in which every lab opens in the browser, into `site/lite`.

It runs the Pyodide of `site/pyodide` (tools/browser/pyodide.py) and asks nobody else.
Two things hold it to that: all that the kernel needs is listed among `PACKAGES`, so
that nothing is looked up in an index, and each page of `site/lite` carries a content
security policy (`POLICY`). JupyterLab needs inline scripts, inline styles and `eval`;
all of these are allowed, but nothing may come from another place or be sent to one:

    default-src 'self' data: blob:        what is not named below
    script-src  'self' blob: 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'
    style-src   'self' blob: 'unsafe-inline'
    worker-src  'self' blob:              the kernel, the service worker
    connect-src 'self' data: blob:        no request leaves the site
    form-action 'self', base-uri 'self', object-src 'none'

Its kernel waits forever for a file that did not come. So the page itself asks whether
the host sends those files as a browser needs them, and says what is wrong (`WATCH`).

A worker made from a file has no policy unless its server sends one: code
that a reader types into a cell can ask any host that answers. Nothing of ours does.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.browser import pyodide
from tools.dev.alone import alone

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / ".movingparts" / "lite"
LABS = ROOT / "labs"
# The book's pages show the same message about the host.
WATCH = tuple(ROOT / "book" / "_templates" / name for name in ("host.js", "lite.js"))
STAMP = "built-from.txt"
TITLE = "Moving Parts"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
# Loaded immediately when the kernel starts; what is listed here is not installed again.
PACKAGES = (
    *("micropip", "piplite", "ipykernel", "comm", "pyodide-kernel", "jedi", "ipython"),
    *("ipywidgets", "anywidget", "movingparts"),
)
SELF = "'self' data: blob:"
INLINE = "'self' blob: 'unsafe-inline'"
DIRECTIVES = {
    "default-src": SELF,
    "script-src": f"{INLINE} 'unsafe-eval' 'wasm-unsafe-eval'",
    "style-src": INLINE,
    "worker-src": "'self' blob:",
    "connect-src": SELF,
    "form-action": "'self'",
    "base-uri": "'self'",
    "object-src": "'none'",
}
POLICY = "; ".join(f"{name} {value}" for name, value in DIRECTIVES.items())
# What a reader finds set; each can be changed in the menu Settings.
SETTINGS: dict[str, dict[str, object]] = {
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
    "@jupyterlab/apputils-extension:notification": {
        "checkForUpdates": False,
        "fetchNews": "false",
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 3},
}
# Its service worker lends the kernel the notebook's folder as a file system. Each
# import would look there first, at 50 ms a time, and labs need no file from there.
DISABLED = ("@jupyterlite/application-extension:service-worker-manager",)
# Sources, an index of the apps that are not there, and fonts for old browsers.
UNUSED = (
    *("doc", "rspack.config*.js", "**/package.json", "jupyterlite.schema.v0.json"),
    *("manifest.webmanifest", "icon-*.png", "build/fa-*.eot", "build/fa-*.ttf"),
    "build/fa-*.svg",
)
ICON = '<link rel="icon" href="../static/favicons/favicon.ico">'
# The front page of this folder: labs are opened by their links, from the book. The
# front end reads its configuration there too.
FRONT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Moving Parts: labs</title>
<meta http-equiv="refresh" content="0; url=../">
<script id="jupyter-config-data" type="application/json">{}</script>
</head>
<body><p>Labs open from <a href="../">the book</a>.</p></body>
</html>
"""


class LiteError(Exception):
    """JupyterLite could not be built; the message says why."""


def settings() -> dict[str, object]:
    """Return JupyterLite's settings: our Pyodide, and no other place."""
    kernel = {
        "disablePyPIFallback": True,
        "pyodideUrl": "./../pyodide/pyodide.mjs",
        "loadPyodideOptions": {
            "lockFileURL": "./../pyodide/pyodide-lock-lab.json",
            "packages": list(PACKAGES),
        },
    }
    config = {
        "appName": TITLE,
        "appUrl": "./notebooks",
        "faviconUrl": "./static/favicons/favicon.ico",
        "disabledExtensions": list(DISABLED),
        "litePluginSettings": {KERNEL: kernel},
        "settingsOverrides": SETTINGS,
    }
    return {"jupyter-lite-schema-version": 0, "jupyter-config-data": config}


def joined(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook as JupyterLite shows it: each text in one piece, and trusted.

    A file may hold a text as a list of lines, which a Jupyter server joins. Outputs of
    the book's own notebooks are trusted: they are made by the code above them.
    """
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = "".join(output["text"])
            for kind, text in output.get("data", {}).items():
                if isinstance(text, list) and all(isinstance(t, str) for t in text):
                    output["data"][kind] = "".join(text)
        if cell["cell_type"] == "code":
            cell["metadata"]["trusted"] = True
    return notebook


def put_labs(folder: Path) -> None:
    """Write all labs into a folder, in the form that JupyterLite reads."""
    folder.mkdir(parents=True)
    for lab in sorted(LABS.glob("*.ipynb")):
        notebook = joined(json.loads(lab.read_text("utf-8")))
        text = json.dumps(notebook, ensure_ascii=False, indent=1)
        (folder / lab.name).write_text(text, "utf-8")


def watch() -> str:
    """Return the script that says what a lab waits for in vain.

    It is text of the page, because it has to run where no file can be loaded.
    """
    host, script = (file.read_text("utf-8") for file in WATCH)
    runtime = [f"../pyodide/{name}" for name in pyodide.RUNTIME_FILES]
    needed = [name for name in runtime if not name.endswith(".zip")]
    files = json.dumps(["config-utils.js", *needed])
    return f'<script type="module">\n{host}{script}watch({files});\n</script>'


def with_policy(page: str) -> str:
    """Return a page with the policy before all that it loads, and its language."""
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    page = re.sub(r"<html>", '<html lang="en">', page, count=1)
    page = re.sub(r"<title>[^<]*</title>", f"<title>{TITLE}: labs</title>", page)
    # A browser would ask the host's root for an icon, and install an app.
    page = re.sub(r'<link rel="manifest"[^>]*>', ICON, page)
    if "jupyter-lite-main" in page:
        page = page.replace("</head>", f"{watch()}</head>", 1)
    changed, count = re.subn(r"<head>", f"<head>\n{meta}", page, count=1)
    if not count:
        raise LiteError("A page of JupyterLite has no <head> to put the policy in.")
    return changed


def finish(built: Path) -> None:
    """Remove what nobody needs, and give each page its policy."""
    for pattern in UNUSED:
        for file in sorted(built.glob(pattern)):
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    (built / "index.html").write_text(FRONT, "utf-8")
    for page in sorted(built.rglob("*.html")):
        page.write_text(with_policy(page.read_text("utf-8")), "utf-8")


def made_of() -> str:
    """Return one hash of all that the folder is made of."""
    read = [
        Path(__file__),
        *WATCH,
        ROOT / "requirements.lock",
        *sorted(LABS.glob("*.ipynb")),
    ]
    known = hashlib.sha256()
    for file in read:
        known.update(file.name.encode() + file.read_bytes())
    return known.hexdigest()


def build(site: Path) -> Path:
    """Build JupyterLite with all labs in it, unless it is there; return its folder.

    Raises:
        LiteError: `jupyter lite build` failed; its own words are the message.
    """
    with alone("lite"):
        return _build(site)


def _build(site: Path) -> Path:
    stamp, wanted = site / "lite" / STAMP, made_of()
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return site / "lite"
    shutil.rmtree(KIT, ignore_errors=True)
    put_labs(KIT / "contents")
    (KIT / "jupyter-lite.json").write_text(json.dumps(settings()), "utf-8")
    reported = {
        "contents": ["contents"],
        "output_dir": str(KIT / "built"),
        "apps": ["notebooks"],
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
    }
    (KIT / "jupyter_lite_config.json").write_text(
        json.dumps({"LiteBuildConfig": reported}), "utf-8"
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
    finish(KIT / "built")
    (KIT / "built" / STAMP).write_text(wanted, "utf-8")
    target = site / "lite"
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(KIT / "built", target)
    return target
