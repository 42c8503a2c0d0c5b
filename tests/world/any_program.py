"""A web service of the standard library alone, as one in another language would be."""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

ASKED = []


class Handler(BaseHTTPRequestHandler):
    """Say how often it was asked; be unhealthy at first, if it is to be."""

    def do_GET(self) -> None:
        ASKED.append(self.path)
        healthy = len(ASKED) > int(os.environ.get("UNHEALTHY", "0"))
        self.answer(200 if healthy else 503, {"asked": len(ASKED)})

    def do_POST(self) -> None:
        self.answer(200, {"count": 1, "pid": os.getpid()})

    def answer(self, status: int, body: dict[str, int]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Print nothing."""


def leave(*_: object) -> None:
    sys.stdout.write("the end\n")
    sys.exit(0)


def main() -> None:
    sys.stdout.write(os.environ.get("GREETING", "hello") + "\n")
    sys.stdout.flush()
    if "ENDS_WITH" in os.environ:
        sys.exit(int(os.environ["ENDS_WITH"]))
    if "CHILD" in os.environ:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "STAYS" in os.environ else leave)
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    main()
