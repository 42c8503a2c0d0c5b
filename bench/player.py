"""The player's work in a frame, with 1,000 messages, against a budget of 8 ms."""

import functools
import http.server
import shutil
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.table import Row
from movingparts.draw import play
from movingparts.draw.player import MODULE
from tests.draw.recordings import traffic

BUDGET = 8.0  # milliseconds of script a frame: half of a frame at 60 a second
MESSAGES, FEW, FRAMES = 1_000, 10, 240
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title>
<link rel="icon" href="data:,"><body>{body}<script>
window.spent = [];
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (act) => ask((now) => {{
  const begun = performance.now();
  act(now);
  window.spent.push(performance.now() - begun);
}});
</script><script type="module" src="player.js"></script></body></html>"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback and yield its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def frames(browser: Browser, folder: Path, messages: int, view: str) -> list[float]:
    """Return the milliseconds of script in each of many frames of playing."""
    player = play(traffic(messages), limit=messages)
    shutil.copy(MODULE, folder / "player.js")
    (folder / "index.html").write_text(PAGE.format(body=player.html()), "utf-8")
    with served(folder) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.get_by_role("button", name="Play").click()
        if view == "topology":
            page.keyboard.press("v")
        page.get_by_label("Speed").select_option("4" if messages > FEW else "0.25")
        page.evaluate("() => { window.spent.length = 0; }")
        page.wait_for_function(f"() => window.spent.length >= {FRAMES}", timeout=60_000)
        spent = page.evaluate("() => window.spent")
        page.close()
    return [float(value) for value in spent[:FRAMES]]


def rows() -> list[Row]:
    """Return a row a view: the median, and the 95th percentile of the sequence."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("  left out: the player needs Chromium (apt-get install chromium)")
        return []
    found = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for view in ("sequence", "topology"):
            spent = sorted(frames(browser, Path(name), MESSAGES, view))
            few = statistics.median(frames(browser, Path(name), FEW, view))
            middle = statistics.median(spent)
            tail = spent[-(-len(spent) * 95 // 100) - 1]
            what = f"player, {view}, {MESSAGES:,} messages, a frame"
            for name_, ours, peer, aim in (
                ("p50 / budget", middle, BUDGET, "<= 1"),
                ("p95 / budget", tail, BUDGET, ""),
                (f"p50 / {FEW} messages", middle, few, ""),
            ):
                found.append(
                    Row(f"{what}: {name_}", ours, peer, ours / peer, aim, "ms")
                )
        browser.close()
    return found
