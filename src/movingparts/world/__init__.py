"""Worlds: the places in which the same services run.

The worlds are looked up when they are used, so that a browser tab, which has no
sockets, never imports the one that needs them.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from movingparts import core
from movingparts.core import *  # noqa: F403  # whoever has a world needs these too

if TYPE_CHECKING:
    from movingparts.world.local import LocalWorld
    from movingparts.world.simulated import SimulatedWorld, simulate

__all__ = ["LocalWorld", "SimulatedWorld", "simulate"]
__all__ += core.__all__
_TAB = sys.platform == "emscripten"
_HOMES = {
    "LocalWorld": f"movingparts.world.{'browser' if _TAB else 'local'}",
    "SimulatedWorld": "movingparts.world.simulated",
    "simulate": "movingparts.world.simulated",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'movingparts.world' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
