"""A lab in JupyterLite: opened, run, and read back from what it has saved."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from tests.browser.built import Visit
from tests.labs.labs import read

PATIENCE = 120_000  # milliseconds, for a machine with much else to do

# Asking for a database that is not there yet would make one, and an empty one.
STORED = """async ([name, store]) => {
  const made = await indexedDB.databases();
  if (!made.some((each) => each.name === name)) return [];
  const db = await new Promise((resolve, reject) => {
    const asked = indexedDB.open(name);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  const found = [...db.objectStoreNames].includes(store)
    ? await new Promise((resolve) => {
        const asked = db.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => resolve(asked.result);
      })
    : [];
  db.close();
  return found;
}"""


class Lab:
    """A lab in JupyterLite, and what it asked for and complained of."""

    def __init__(self, visit: Visit, name: str) -> None:
        self.visit, self.page, self.name = visit, visit.page, name
        self.notebook = read(name)
        path = visit.base.partition("//")[2].partition("/")[2]
        self.drive = f"JupyterLite Storage - /{path}lite/"

    def enter(self) -> None:
        """Open it by the link on its page."""
        self.visit.go(f"labs/{self.name}/")
        doors = self.page.locator(".mp-lab-links")
        doors.get_by_role("link", name="Run in your browser").click()
        self.wait()

    def wait(self) -> None:
        """Wait until the notebook is there."""
        expect(self.page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(
            timeout=PATIENCE
        )

    def stored(self, name: str, store: str) -> list[dict[str, Any]]:
        """What this browser keeps in one store of a database."""
        return self.page.evaluate(STORED, [name, store])

    def cells(self) -> dict[str, Any]:
        """The code cells of the copy that JupyterLite has saved, by id."""
        found = self.stored(self.drive, "files")
        if not found:
            return {}
        cells = found[0]["content"]["cells"]
        return {cell["id"]: cell for cell in cells if cell["cell_type"] == "code"}

    def until(self, wanted: str) -> None:
        """Wait until what is saved fits: an expression in which `cells` has them by id.

        It saves on its own, but more rarely the longer a save takes. So save by hand
        as well; where the two meet it asks, and the newer text is kept.
        """
        cells = f"""async () => {{
          const found = await ({STORED})({json.dumps([self.drive, "files"])});
          const cells = Object.fromEntries(
            (found[0]?.content.cells ?? []).map((cell) => [cell.id, cell]));
          return Boolean({wanted});
        }}"""
        newer = self.page.get_by_role("button", name="Overwrite")
        for second in range(PATIENCE // 1000):
            if newer.is_visible():
                newer.click()
            if self.page.evaluate(cells):
                return
            if second % 20 == 19:
                self.page.keyboard.press("ControlOrMeta+s")
            self.page.wait_for_timeout(1000)
        raise AssertionError(f"never saved: {wanted}")

    def menu(self, name: str, entry: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        self.page.get_by_text(entry, exact=True).click()

    def run_all(self) -> None:
        """Run all cells, and wait until the result of the last one is saved."""
        self.menu("Edit", "Clear Outputs of All Cells")
        self.menu("Run", "Run All Cells")
        last = [cell.id for cell in self.notebook.cells if cell.cell_type == "code"][-1]
        self.until(f"cells[{json.dumps(last)}]?.execution_count")

    def write(self, cell: str, text: str) -> None:
        """Put a text in the place of a cell's own, and run the cell and the next."""
        first = next(each for each in self.notebook.cells if each.id == cell).source
        line = self.page.locator(".cm-line", has_text=first.splitlines()[0]).first
        line.scroll_into_view_if_needed()
        line.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)

    def run(self, times: int = 1) -> None:
        """Run the cell with the cursor, and go to the next."""
        for _ in range(times):
            self.page.keyboard.press("Shift+Enter")


def plain(outputs: list[Any]) -> str:
    """The outputs of a cell as plain text."""
    parts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    return "".join("".join(part) for part in parts)
