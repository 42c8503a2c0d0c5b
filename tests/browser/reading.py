"""What the tests of the reader's tools share: pages with other questions, storage."""

from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.browser.built import CHAPTER, ROOT

PROGRESS = "progress/"
AXE = ROOT / "node_modules/axe-core/axe.min.js"
READ = """() => new Promise((done, failed) => {
  const asked = indexedDB.open("moving-parts:/moving-parts/");
  asked.onerror = failed;
  asked.onsuccess = () => {
    if (!asked.result.objectStoreNames.contains("done")) { done([]); return; }
    const all = asked.result.transaction("done").objectStore("done").getAll();
    all.onsuccess = () => { asked.result.close(); done(all.result); };
  };
})"""


def records(page: Page) -> list[dict[str, Any]]:
    """What the browser keeps of a reader of the site under /moving-parts/."""
    found: list[dict[str, Any]] = page.evaluate(READ)
    return found


def page_with(reader: BrowserContext, base: str, markup: str) -> Page:
    """The chapter's frame around other questions."""
    page = reader.new_page()

    def answer(route: Any) -> None:
        reply = route.fetch()
        before, _, rest = reply.text().partition("<h1>")
        route.fulfill(response=reply, body=f"{before}{markup}<h1>{rest}")

    page.route(f"**/{CHAPTER}", answer)
    page.goto(base + CHAPTER)
    return page


def axe_violations(page: Page) -> list[str]:
    """What axe finds wrong with the reader's tools as they are, by rule and element."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(
        "axe.run({include: ['.mp-question', '.mp-exercise', '.mp-quiz', '.mp-cover',"
        " '.mp-progress', 'dialog[open]']})"
        ".then(({violations}) => violations.flatMap(({id, nodes}) =>"
        " nodes.map(({target}) => `${id}: ${target}`)))"
    )
    return found
