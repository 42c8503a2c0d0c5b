"""Who listens where: the names of a local world's services and their ports."""

from __future__ import annotations

import json
from pathlib import Path


class Directory:
    """Names and ports, kept by the kernel and read by every process of the world.

    A name whose service has ended stays, with no port: a call to it is refused, as it
    would be by a machine on which nothing listens.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "services.json"
    ...     Directory(file).put("pricing", 8123)
    ...     Directory(file).ports()
    {'pricing': 8123}
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._own: dict[str, int | None] | None = None

    def ports(self) -> dict[str, int | None]:
        """Return each name's port; None where the service has ended.

        The one who writes knows by heart; a reader asks the file each time, which
        takes some microseconds of a call's hundreds.
        """
        if self._own is not None:
            return self._own
        try:
            ports: dict[str, int | None] = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        return ports

    def put(self, name: str, port: int | None) -> None:
        """Set a name's port, for all processes at once."""
        self._own = {**self.ports(), name: port}
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(self._own))
        fresh.replace(self._file)
