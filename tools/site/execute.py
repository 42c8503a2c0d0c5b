"""Run the pages whose cells have changed, on all cores, before Sphinx reads them.

Sphinx runs one page after the other. Here each is run as Sphinx would run it, and its
outputs go into the cache in which Sphinx looks first. A page that fails is left out:
Sphinx runs it again, and names the cell.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from myst_nb.core.read import myst_nb_reader_plugin
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "book" / "_build" / ".jupyter_cache"
READER = {"name": "myst_nb_md", "type": "plugin"}
CONFIG = yaml.safe_load((ROOT / "book" / "_config.yml").read_text("utf-8"))
TIMEOUT = CONFIG["execute"]["timeout"]  # seconds that a cell may take
STARTS = 3  # times that a page's kernel is started, at most


def pages(root: Path) -> Iterator[Path]:
    """Yield all pages with cells to run."""
    for path in sorted([*root.glob("chapters/**/*.md"), *root.glob("book/*.md")]):
        if "\nkernelspec:" in path.read_text("utf-8").partition("\n---\n")[0]:
            yield path


def run(path: Path) -> tuple[NotebookNode, ExecutionResult]:
    """Run one page in its own folder.

    Two kernels that start at once may choose the same port, and then one dies: it is
    started again.
    """
    page = myst_nb_reader_plugin(str(path))
    folder = str(path.parent)
    for _ in range(STARTS - 1):
        with suppress(RuntimeError):
            return page, single_nb_execution(page, folder, TIMEOUT, allow_errors=False)
    return page, single_nb_execution(page, folder, TIMEOUT, allow_errors=False)


def main() -> int:
    """Run what is not in the cache; the lines are those that Sphinx would log."""
    cache = get_cache(str(CACHE))
    todo = []
    for path in pages(ROOT):
        try:
            cache.match_cache_notebook(myst_nb_reader_plugin(str(path)))
        except KeyError:
            todo.append(path)
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        # The longest page first, so that no core is left with it at the end.
        todo.sort(key=lambda path: -path.stat().st_size)
        running = {pool.submit(run, path): path for path in todo}
        for path in todo:
            print(f"{path}: Executing notebook", flush=True)
        for future in as_completed(running):
            path = running[future]
            page, done = future.result()
            if done.err is not None:
                continue
            record = cache.add_nb_to_project(str(path), read_data=READER)
            took = {"execution_seconds": done.time}
            bundle = CacheBundleIn(page, record.uri, data=took)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            print(f"{path}: Executed notebook in {done.time:.2f} seconds", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
