"""JupyterLab as the labs use it: on this machine only, and asking nobody outside."""

c = get_config()  # noqa: F821  # traitlets puts it there

c.ServerApp.ip = "127.0.0.1"
c.ServerApp.open_browser = False
c.ServerApp.port_retries = 0  # tools/labs.py has found a free port

# No news, no look for updates, no list of extensions from a package index.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = (
    "jupyterlab.handlers.announcements.NeverCheckForUpdate"
)
c.LabApp.extension_manager = "readonly"
