"""What running in the browser costs: the first click, the next, a lab, a request."""

import gzip
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, Response, sync_playwright

from bench.table import Row
from tools.site.serve import SiteServer

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "book" / "_build" / "dirhtml"
CHAPTER = "chapters/01-one-ride-two-services/"
LAB = "lite/notebooks/index.html?path=01-one-ride-two-services.ipynb"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
MB = 1024 * 1024
REQUESTS = 300

# The same lines run natively and in the page; they return requests a second.
SCENARIO = f"""
import time
from fastapi import FastAPI
from movingparts.world import simulate

def quotes(node):
    app = FastAPI()

    @app.get("/quote")
    async def quote(minutes: int):
        return {{"cents": 100 + 15 * minutes}}

    return app

async def scenario(world):
    await world.serve("pricing", quotes)
    client = world.client("rider")
    begun = time.perf_counter()
    for _ in range({REQUESTS}):
        await client.get("http://pricing/quote?minutes=12")
    return {REQUESTS} / (time.perf_counter() - begun)

speed = simulate(scenario, seed=1).result
"""
BARE_PAGE = """<!doctype html><html lang="en"><title>bench</title><script type="module">
import { loadPyodide } from "./pyodide/pyodide.mjs";
const python = await loadPyodide({ packages: ["movingparts"] });
window.run = (code) => { python.runPython(code); return python.globals.get("speed"); };
</script></html>"""


class Loaded:
    """What a page has loaded: the bytes of each answer, packed as a host would."""

    def __init__(self, page: Page) -> None:
        self._answers: list[Response] = []
        page.context.on("response", self._note)

    def _note(self, answer: Response) -> None:
        self._answers.append(answer)

    def megabytes(self) -> float:
        """Return all that was loaded so far, in megabytes, gzipped."""
        bodies = [answer.body() for answer in self._answers if answer.ok]
        return sum(len(gzip.compress(body)) for body in bodies) / MB


@contextmanager
def browsing() -> Iterator[tuple[str, Browser]]:
    """Serve the built book, with Chromium beside it."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with SiteServer(SITE).running() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield url, browser
        browser.close()


def clicked(page: Page, cell: int) -> float:
    """Run a live cell of a page by its button; return the seconds until it is done."""
    live = page.locator(".cell.tag_live").nth(cell)
    begun = time.perf_counter()
    live.get_by_role("button", name="Run", exact=True).click()
    live.and_(page.locator("[data-live=done]")).wait_for(timeout=120_000)
    return time.perf_counter() - begun


def first_clicks() -> tuple[float, float, float, float]:
    """Return the seconds of a first click, of one more, and of one on a next page.

    The second cell of chapter 01 answers with the first FastAPI result; what was
    loaded for it, in megabytes gzipped, comes last.
    """
    with browsing() as (url, browser):
        page = browser.new_page()
        page.goto(url + CHAPTER, wait_until="networkidle")
        loaded = Loaded(page)
        cold = clicked(page, 1)
        again = statistics.median(clicked(page, 1) for _ in range(5))
        weight = loaded.megabytes()
        page.goto(url + "worlds/", wait_until="networkidle")
        following = clicked(page, 1)
    return cold, again, following, weight


def lab() -> tuple[float, float]:
    """Return the seconds from opening lab 01 to its first output, and the megabytes."""
    with browsing() as (url, browser):
        page = browser.new_page()
        loaded = Loaded(page)
        begun = time.perf_counter()
        page.goto(url + LAB)
        ready = page.locator(".jp-NotebookPanel .jp-Cell").first
        ready.wait_for(timeout=120_000)
        page.get_by_text("Run", exact=True).first.click()
        page.get_by_text("Run All Cells", exact=True).click()
        # The list of exercises is the first thing that a cell prints.
        prompt = page.locator(".jp-CodeCell .jp-InputPrompt", has_text="[2]:")
        prompt.first.wait_for(timeout=180_000)
        spent = time.perf_counter() - begun
        return spent, loaded.megabytes()


def in_the_page() -> float:
    """Return the simulated requests a second in a page."""
    with browsing() as (url, browser):
        page = browser.new_page()
        page.route(
            url + "bench.html",
            lambda route: route.fulfill(body=BARE_PAGE, content_type="text/html"),
        )
        page.goto(url + "bench.html")
        page.wait_for_function("Boolean(window.run)", timeout=120_000)
        page.evaluate("(code) => window.run(code)", SCENARIO)
        speeds = [page.evaluate("(code) => window.run(code)", SCENARIO) for _ in "123"]
    return float(statistics.median(speeds))


def native() -> float:
    """Return the simulated requests a second here."""
    speeds = []
    for _ in range(4):
        names: dict[str, float] = {}
        exec(SCENARIO, names)  # noqa: S102  # our own lines, the same as in the page
        speeds.append(names["speed"])
    return statistics.median(speeds[1:])


def rows() -> list[Row]:
    """Measure; a peer is a bar of the issue, or the same code run natively."""
    cold, again, following, weight = first_clicks()
    opened, lab_weight = lab()
    page, here = in_the_page(), native()
    missed = (
        "Chromium compiles 9 MB of WebAssembly first, and a memory snapshot of"
        " Pyodide 314 holds no loaded packages (pyodide #6418, #6254)."
    )
    return [
        Row("click to first FastAPI result, cold / 7 s", cold, 7, cold / 7, "<= 1", "s",
            missed),
        Row("the same cell again / 0.3 s", again, 0.3, again / 0.3, "<= 1", "s"),
        Row("first click on the next page / cold", following, cold, following / cold,
            "<= 1", "s"),
        Row("what the first click loads, gzipped", weight, 9, weight / 9, "", "MB"),
        Row("lab 01 in JupyterLite to first output, cold / 20 s", opened, 20,
            opened / 20, "<= 1", "s", missed),
        Row("what the lab loads, gzipped", lab_weight, 20, lab_weight / 20, "", "MB"),
        Row("simulated requests, in the page / native", page, here, page / here,
            ">= 0.3", "requests/s"),
    ]  # fmt: skip
