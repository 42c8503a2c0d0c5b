"""What a reader has done, where the lab runs in a browser tab: kept by the browser.

The kernel of such a lab is a worker of the book's own site, and shares IndexedDB with
its pages: they show under *Your progress* what was solved here. The database and its
records are described in book/_js/_store.js, the front end of the same store.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import import_module
from typing import Any

REFUSED = "Progress is not kept: this browser keeps nothing for this site ({why})."
IN_PYODIDE = sys.platform == "emscripten"
# Where the worker's own file lies: JupyterLite's kernel, or the book's live cells.
WORKER = re.compile(r"^(/(?:.*/)?)(?:lite/extensions|_static)/")

# A mirror of the database. What is saved is `fresh` until it is there; each write
# merges with what is there, in one transaction, since another tab may have written.
# Whatever goes wrong, `why` says it, and the mirror serves for as long as the tab.
SCRIPT = """
(name) => {
  const rows = new Map(), fresh = new Map();
  const kept = { why: "" };
  const row = ({ hints, checks, passed }) =>
    ({ hints: hints ?? 0, checks: checks ?? 0, passed: Boolean(passed) });
  const merged = (a, b) => ({
    hints: Math.max(a?.hints ?? 0, b.hints),
    checks: Math.max(a?.checks ?? 0, b.checks),
    passed: Boolean(a?.passed || b.passed),
  });
  const opened = () => new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () =>
      asked.result.createObjectStore("done", { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("another tab holds an older version"));
  });
  const transact = async (mode, work) => {
    const db = await opened();
    db.onversionchange = () => db.close();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = db.transaction("done", mode);
        const asked = work(transaction.objectStore("done"));
        transaction.oncomplete = () => resolve(asked.result);
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      db.close();
    }
  };
  const read = async () => {
    const found = await transact("readonly", (done) => done.getAll());
    rows.clear();
    for (const one of found) if (one.kind === "exercise") rows.set(one.id, row(one));
  };
  const write = async (id, wanted) => {
    const key = `exercise/${id}`;
    await transact("readwrite", (done) => {
      const asked = done.get(key);
      asked.onsuccess = () => {
        const both = merged(asked.result, wanted);
        const at = Date.now();
        done.put({ ...asked.result, ...both, key, kind: "exercise", id, at });
        rows.set(id, both);
      };
      return asked;
    });
    if (fresh.get(id) === wanted) fresh.delete(id);
    channel?.postMessage("changed");
  };
  let last = Promise.resolve();
  const then = (work) => {
    last = last.then(work).then(
      () => { kept.why = ""; },
      (error) => { kept.why = String(error?.message || error?.name || "refused"); },
    );
  };
  let channel = null;
  try {
    channel = new BroadcastChannel(name);
    channel.onmessage = () => then(read);
  } catch {} // other tabs are not notified
  kept.text = () => {
    const all = new Map(rows);
    for (const [id, wanted] of fresh) all.set(id, merged(all.get(id), wanted));
    return JSON.stringify(Object.fromEntries(all));
  };
  kept.save = (id, hints, checks, passed) => {
    const wanted = { hints, checks, passed };
    fresh.set(id, wanted);
    then(() => write(id, wanted));
  };
  then(read);
  return kept;
}
"""


class Tab:
    """The browser's store, through its mirror in JavaScript."""

    def __init__(self, mirror: Any) -> None:
        self._mirror = mirror
        self._reported = ""

    def text(self) -> str:
        """Return each exercise that was begun, by its id, as JSON."""
        return str(self._mirror.text())

    def save(self, exercise_id: str, *, hints: int, checks: int, passed: bool) -> None:
        """Keep what was done of one exercise; it is there by the next cell."""
        self._mirror.save(exercise_id, hints, checks, passed)

    def note(self) -> str:
        """Return in a sentence why nothing is kept, once; else nothing."""
        why = str(self._mirror.why)
        if not why or self._reported:
            return ""
        self._reported = REFUSED.format(why=" ".join(why.split())[:120].rstrip("."))
        return self._reported


def root(path: str) -> str | None:
    """Return the path of the site that a worker's file belongs to.

    >>> root("/book/lite/extensions/@jupyterlite/kernel/static/worker.js")
    '/book/'
    >>> root("/elsewhere/worker.js") is None
    True
    """
    found = WORKER.match(path)
    return found[1] if found else None


@cache
def tab() -> Tab | None:
    """Return the store of the tab that this runs in; None where it runs in none."""
    if not IN_PYODIDE:
        return None
    place = getattr(import_module("js"), "location", None)  # Node has none
    path = None if place is None else root(str(place.pathname))
    if path is None:
        return None
    run_js = import_module("pyodide.code").run_js
    return Tab(run_js(SCRIPT)(f"moving-parts:{path}"))
