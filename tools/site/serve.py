"""Build the book and serve it, with JupyterLab beside it (`make serve`).

`SiteServer` alone serves a built site as a static host would, at the root or under
a sub-path; the tests use it too.
"""

import contextlib
import http.server
import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, ClassVar
from urllib.parse import urlsplit

from tools.dev import labs, process
from tools.site import build

HOST = "127.0.0.1"
PORT = 8000
# Files that are named by what they hold: scripts and styles with a version, chunks of
# scripts, pagefind's pieces; and wheels, whose hashes the lock beside them holds.
LASTING = re.compile(
    r"\?v=[0-9a-f]{8}$|/chunk-[0-9A-Z]{8}\.js$|/pyodide/[^/]+\.whl$"
    r"|/pagefind/(?:index|fragment)/[^/]+$"
)
KEEP = "public, max-age=31536000, immutable"


class SiteServer(http.server.ThreadingHTTPServer):
    """A static site on 127.0.0.1: port 0 takes a free one, `prefix` a sub-path.

    >>> server = SiteServer(Path("book"), prefix="/moving-parts/")
    >>> server.url.startswith("http://127.0.0.1:"), server.url[-14:]
    (True, '/moving-parts/')
    >>> server.server_close()
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would take a port from another

    def __init__(self, folder: Path, *, port: int = 0, prefix: str = "/") -> None:
        self.folder = Path(folder).resolve()
        self.prefix = f"/{prefix.strip('/')}/".replace("//", "/")
        super().__init__((HOST, port), SiteHandler)

    @property
    def url(self) -> str:
        """The address of the site's front page."""
        return f"http://{HOST}:{self.server_address[1]}{self.prefix}"

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Serve in a thread for the length of a `with` block; gives the address."""
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self.url
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class SiteHandler(http.server.SimpleHTTPRequestHandler):
    """Answers from the site's folder, and with the site's own 404 page."""

    server: SiteServer
    kept = False

    # Spelled out, because a machine's own table can lack or contradict them.
    extensions_map: ClassVar = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".css": "text/css",
        ".html": "text/html; charset=utf-8",
        ".ipynb": "application/json",
        ".js": "text/javascript",
        ".json": "application/json",
        ".md": "text/markdown; charset=utf-8",
        ".mjs": "text/javascript",
        ".py": "text/x-python; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".wasm": "application/wasm",
        ".whl": "application/zip",
        ".woff2": "font/woff2",
        ".xml": "application/xml",
    }

    def __init__(self, request: object, address: object, server: SiteServer) -> None:
        super().__init__(request, address, server, directory=str(server.folder))

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Send the header lines; give the file, or None where there is no body."""
        prefix = self.server.prefix
        path = urlsplit(self.path).path
        if not path.startswith(prefix):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def translate_path(self, path: str) -> str:
        """The file that an address under the prefix means."""
        return super().translate_path("/" + path.removeprefix(self.server.prefix))

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        """A folder without a page is not listed, as on a static host."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Answer what is not there with the site's 404.html."""
        page = self.server.folder / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_headers(self) -> None:
        """Let the browser ask again, but for what has another name when it changes.

        The book is rebuilt under the browser's eyes. Only a 200 may be kept.
        """
        lasting = self.kept and LASTING.search(self.path)
        self.send_header("Cache-Control", KEEP if lasting else "no-cache")
        super().end_headers()

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status line, and note whether the answer is the file itself."""
        self.kept = code in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
        super().send_response(code, message)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
        """Answer nothing: the terminal belongs to the two addresses."""


def serve() -> None:
    """Serve the built book and JupyterLab until JupyterLab or the reader ends.

    Raises:
        LabError: JupyterLab did not start, or no port is free.
    """
    port = labs.free_port(PORT)
    labs.report_if_moved("the book", PORT, port)
    with SiteServer(build.SITE, port=port).running() as url:
        process.report("Starting JupyterLab.")
        with labs.jupyterlab() as lab:
            process.report(f"\n  book  {url}\n  labs  {lab.url}\n\nCtrl-C ends both.")
            lab.process.wait()
            process.report("JupyterLab has ended; the book is still served.")
            threading.Event().wait()


def main() -> int:
    """Build, then serve until Ctrl-C."""
    process.end_like_ctrl_c()
    try:
        if not build.build():
            return 1
        serve()
    except (*build.WRONG, labs.LabError) as error:
        process.report(str(error), error=True)
        return 1
    except KeyboardInterrupt:
        process.report("\nEnded.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
