"""JupyterLab as the labs use it: on this machine only, and asking nobody outside."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tools.dev.process import end_with_parent

end_with_parent()

c = get_config()  # noqa: F821  # traitlets puts it there

c.ServerApp.ip = "127.0.0.1"
c.ServerApp.open_browser = False
c.ServerApp.port_retries = 0  # tools/dev/labs.py has found a free port

# No news, no look for updates, no list of extensions from a package index.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = (
    "jupyterlab.handlers.announcements.NeverCheckForUpdate"
)
c.LabApp.extension_manager = "readonly"
