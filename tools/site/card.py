"""Draw the card that is shown with a link to the book.

`python -m tools.site.card` photographs the cover's picture of the built book (make
book) with Chromium and writes book/_static/card.png, 1200 by 630 pixels.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.site.build import SITE
from tools.site.serve import SiteServer

CARD = Path(__file__).resolve().parents[2] / "book" / "_static" / "card.png"
SIZE = {"width": 1200, "height": 630}
# The cover, with nothing on it but its name, its first sentence and the moving city.
ARRANGE = """() => {
  const city = document.querySelector("figure.mp-city");
  const name = document.querySelector("h1").firstChild.textContent;
  const lead = document.querySelector(".mp-lead").textContent;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    body { display: grid; grid-template-columns: 30rem 1fr; gap: 2.5rem; height: 630px;
      box-sizing: border-box; padding: 3rem; overflow: hidden; align-items: center; }
    h1 { margin: 0; font: 800 6.2rem/0.92 var(--mp-font-sign);
      letter-spacing: -0.035em; }
    p { font-size: 1.75rem; line-height: 1.3; margin: 2rem 0 0; }
    .mp-city { margin: 0; }
    .mp-city svg { width: 100%; height: auto; }`);
  document.adoptedStyleSheets = [sheet];
  const text = document.createElement("div");
  text.append(document.createElement("h1"), document.createElement("p"));
  text.children[0].textContent = name;
  text.children[1].textContent = lead;
  city.querySelector("figcaption").remove();
  document.body.replaceChildren(text, city);
}"""


def draw(site: Path, chromium: str, target: Path = CARD) -> None:
    """Photograph the cover, without motion, as for readers who want less of it."""
    with SiteServer(site).running() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce")  # type: ignore[arg-type]  # a dict of its keys
        page.goto(url)
        page.evaluate("document.fonts.ready.then(() => true)")
        page.evaluate(ARRANGE)
        page.screenshot(path=target)
        browser.close()


def main() -> int:
    """Draw; 0 when it went well."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or not (SITE / "index.html").is_file():
        print("This needs Chromium, and the built book: make book.", file=sys.stderr)
        return 1
    draw(SITE, chromium)
    return 0


if __name__ == "__main__":
    sys.exit(main())
