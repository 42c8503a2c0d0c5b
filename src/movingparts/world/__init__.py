"""Worlds: the places in which the same services run.

The names are looked up when they are used, so that a browser tab, which has no
sockets, never imports the world that needs them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from movingparts.world.core import *  # noqa: F403  # the core's own __all__
    from movingparts.world.local import LocalWorld
    from movingparts.world.simulated import SimulatedWorld, simulate

_HOMES = {
    "LocalWorld": "movingparts.world.local",
    "SimulatedWorld": "movingparts.world.simulated",
    "simulate": "movingparts.world.simulated",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name.startswith("_"):
        raise AttributeError(name)
    home = import_module(_HOMES.get(name, "movingparts.world.core"))
    try:
        return getattr(home, name)
    except AttributeError:
        raise AttributeError(f"movingparts.world has no {name!r}") from None


def __dir__() -> list[str]:
    from movingparts.world import core

    return sorted([*core.__all__, *_HOMES])
