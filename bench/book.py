"""What it costs to build the book, and what a page weighs."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.table import Row
from tools.serve import SiteServer

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "book" / "_build"
SITE = BUILT / "dirhtml"
NAME = "01-one-ride-two-services"
KB = 1024


def build() -> float:
    """Return the seconds that `make book` takes now."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "tools.build"], cwd=ROOT, check=True, capture_output=True
    )
    return time.perf_counter() - begun


def lab() -> tuple[float, float]:
    """Return the seconds of lab 01 under nbval, and of an empty notebook there."""
    path = ROOT / "labs" / "01-one-ride-two-services.ipynb"
    empty = ROOT / ".movingparts" / "empty.ipynb"
    empty.parent.mkdir(exist_ok=True)
    cell = {"cell_type": "code", "id": "a", "execution_count": 1, "metadata": {}}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"cells": [{**cell, "outputs": [], "source": "pass"}]}
    notebook |= {"metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    empty.write_text(json.dumps(notebook), "utf-8")
    spent = []
    for tried in (path, empty):
        begun = time.perf_counter()
        options = [
            "--nbval",
            "--nbval-cell-timeout",
            "60",
            "-q",
            "-p",
            "no:cacheprovider",
        ]
        options += ["--override-ini", "filterwarnings=", "--override-ini", "addopts="]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, str(tried)],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        spent.append(time.perf_counter() - begun)
    empty.unlink()
    return spent[0], spent[1]


def weights() -> tuple[float, float, int]:
    """Return chapter 01's HTML in KB, all that it loads gzipped in KB, its requests.

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
        page.goto(f"{url}chapters/{NAME}/", wait_until="networkidle")
        browser.close()
    html = (SITE / "chapters" / NAME / "index.html").stat().st_size
    packed = sum(len(gzip.compress(body)) for body in loaded)
    return html / KB, packed / KB, len(loaded)


def rows() -> list[Row]:
    """Measure; the bounds are DESIGN.md's bars, so a peer is a bar."""
    shutil.rmtree(BUILT, ignore_errors=True)
    cold = build()
    again = build()
    run, floor = lab()
    html, loaded, requests = weights()
    return [
        Row("book build, no change / cold", again, cold, again / cold, "<= 0.5", "s"),
        Row("lab 01 under nbval / an empty notebook", run, floor, run / floor, "", "s"),
        Row("lab 01 under nbval / bar of 60 s", run, 60, run / 60, "<= 1", "s"),
        Row("chapter 01, HTML / bar", html, 250, html / 250, "<= 1", "KB"),
        Row(
            "chapter 01, all that it loads, gzipped / bar",
            loaded,
            500,
            loaded / 500,
            "<= 1",
            "KB",
        ),
        Row(
            "chapter 01, requests / bar",
            requests,
            40,
            requests / 40,
            "<= 1",
            "requests",
        ),
    ]
