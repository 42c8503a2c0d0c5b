"""A function's versions, and which of them each of its names means."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from movingparts.function.contract import FunctionError, UnknownFunctionError
from movingparts.function.pool import Pool
from movingparts.function.triggers import Destination, Trigger

LIVE = "live"  # the alias that a name alone means


def text_of(source: str | Path) -> str:
    """Return a function's source, read from its file if it is in one."""
    return source.read_text("utf-8") if isinstance(source, Path) else source


def check_syntax(name: str, source: str) -> None:
    """Find a slip of the pen when it is deployed, not at 8:15."""
    try:
        compile(source, f"{name}.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise FunctionError(f"{name} is no Python: {error}") from error


@dataclass(slots=True, eq=False)
class Function:
    """All versions of a function, by number, and which of them each alias means."""

    name: str
    versions: dict[int, Pool] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    previous: int | None = None  # what `live` meant before the last deployment
    dead_letter: str | None = None
    triggers: set[Trigger] = field(default_factory=set)
    on_success: Destination | None = None

    @property
    def running(self) -> int:
        """How many requests run now, on whatever version."""
        return sum(pool.running for pool in self.versions.values())

    @property
    def reserved(self) -> int | None:
        """How many requests may run at once, if that is reserved."""
        newest = self.versions.get(max(self.versions, default=0))
        # A pool without instances is empty, but it is there.
        return None if newest is None else newest.code.config.reserved

    def pool(self, which: str) -> Pool:
        """Return the instances of an alias, or of a version by its number."""
        version = self.aliases.get(which)
        if version is None and which.isdecimal() and int(which) in self.versions:
            version = int(which)
        if version is None:
            raise UnknownFunctionError(
                f"{self.name} has no alias and no version {which!r}"
            )
        return self.versions[version]

    def alias(self, alias: str, version: int) -> None:
        """Let an alias mean a version."""
        if version not in self.versions:
            raise UnknownFunctionError(f"{self.name} has no version {version}")
        self.aliases[alias] = version
        self._keep_ready()

    def go_live(self, version: int) -> None:
        """Let the function's name mean this version from now on."""
        self.previous = self.aliases.get(LIVE)
        self.aliases[LIVE] = version
        self._keep_ready()

    def roll_back(self) -> int:
        """Let the function's name mean the version before the last deployment."""
        if self.previous is None:
            raise FunctionError(f"{self.name} has no version before this one")
        self.go_live(self.previous)
        return self.aliases[LIVE]

    def _keep_ready(self) -> None:
        """Provision instances for the versions that an alias means, and no others."""
        meant = set(self.aliases.values())
        for version, pool in self.versions.items():
            pool.keep_ready(version in meant)
