"""What it costs to build the book, and what a page weighs."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright

from bench.table import Row
from tools.site.serve import SiteServer

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "book" / "_build"
SITE = BUILT / "dirhtml"
KB = 1024


def build() -> float:
    """Return the seconds that `make book` takes now."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "tools.site.build"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begun


def labs() -> dict[str, float]:
    """Return the seconds of each lab under nbval, and under "" of an empty one."""
    empty = ROOT / ".movingparts" / "empty.ipynb"
    empty.parent.mkdir(exist_ok=True)
    cell = {"cell_type": "code", "id": "a", "execution_count": 1, "metadata": {}}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"cells": [{**cell, "outputs": [], "source": "pass"}]}
    notebook |= {"metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    empty.write_text(json.dumps(notebook), "utf-8")
    spent = {"": under_nbval(empty)}
    empty.unlink()
    for path in sorted((ROOT / "labs").glob("*.ipynb")):
        spent[path.stem[:2]] = under_nbval(path)
    return spent


def under_nbval(notebook: Path) -> float:
    """Return the seconds that nbval takes to run a notebook and compare its outputs."""
    options = ["--nbval", "--nbval-cell-timeout", "60", "-q", "-p", "no:cacheprovider"]
    options += ["--override-ini", "filterwarnings=", "--override-ini", "addopts="]
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(notebook)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begun


def pages() -> list[tuple[str, Path]]:
    """Return each page of the table of contents: its address, and its source."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text("utf-8"))
    found = [toc["root"]]
    waiting = list(toc.get("parts", [])) + list(toc.get("chapters", []))
    while waiting:
        entry = waiting.pop(0)
        found += [entry["file"]] if "file" in entry else []
        waiting = [*entry.get("sections", []), *entry.get("chapters", []), *waiting]
    listed = []
    for name in found:
        source = next(ROOT.glob(f"{name}.*"))
        address = "" if name == toc["root"] else f"{name.removeprefix('book/')}/"
        listed.append((address, source))
    return listed


def weights(address: str) -> tuple[float, float, int]:
    """Return a page's HTML in KB, all that it loads gzipped in KB, its requests.

    Chromium opens the page; what it asks for is counted.
    """
    loaded: list[bytes] = []
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with SiteServer(SITE).running() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("response", lambda answer: loaded.append(answer.body()))
        page.goto(url + address, wait_until="networkidle")
        browser.close()
    html = (SITE / address / "index.html").stat().st_size
    packed = sum(len(gzip.compress(body)) for body in loaded)
    return html / KB, packed / KB, len(loaded)


def edited(source: Path) -> float:
    """Return the seconds of a build after a change of one page."""
    before = source.read_bytes()
    try:
        # A space more at the end of the prose: the page is read and written anew.
        source.write_bytes(before + b"\n")
        return build()
    finally:
        source.write_bytes(before)


def page_rows(unchanged: float) -> list[Row]:
    """Return what each page weighs, against the bars, and what an edit of it costs."""
    found = []
    for address, source in pages():
        name = address or "cover"
        html, loaded, requests = weights(address)
        for what, value, bar, unit in (
            ("HTML", html, 250, "KB"),
            ("loaded, gzipped", loaded, 500, "KB"),
            ("requests", requests, 40, "requests"),
        ):
            row = Row(f"{name} {what} / bar", value, bar, value / bar, "<= 1", unit)
            found.append(row)
        spent = edited(source)
        name += " built after an edit / no change"
        found.append(Row(name, spent, unchanged, spent / unchanged, "", "s"))
    return found


def rows() -> list[Row]:
    """Measure; the bounds are DESIGN.md's bars, so a peer is a bar."""
    shutil.rmtree(BUILT, ignore_errors=True)
    cold = build()
    again = build()
    found = labs()
    floor = found.pop("")
    return [
        Row("book build, no change / cold", again, cold, again / cold, "<= 0.5", "s"),
        *(
            row
            for number, run in found.items()
            for row in (
                Row(f"lab {number} / an empty one", run, floor, run / floor, "", "s"),
                Row(f"lab {number} / bar of 60 s", run, 60, run / 60, "<= 1", "s"),
            )
        ),
        *page_rows(again),
    ]
