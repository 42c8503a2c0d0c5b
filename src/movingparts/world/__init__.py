"""Worlds: the places in which the same services run.

The names are looked up when they are used, so that a browser tab, which has no
sockets, never imports the world that needs them.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from movingparts.core import (
        EPOCH,
        Clock,
        Conditions,
        Constant,
        Disk,
        Empirical,
        Exponential,
        Latency,
        LogNormal,
        Network,
        Node,
        Recording,
        RecordingError,
        ScenarioStuck,
        ServeError,
        Service,
        Table,
        Tasks,
        TooManyMessages,
        Uniform,
        World,
        WorldError,
    )
    from movingparts.world.local import LocalWorld
    from movingparts.world.simulated import SimulatedWorld, simulate

__all__ = [
    "EPOCH",
    "Clock",
    "Conditions",
    "Constant",
    "Disk",
    "Empirical",
    "Exponential",
    "Latency",
    "LocalWorld",
    "LogNormal",
    "Network",
    "Node",
    "Recording",
    "RecordingError",
    "ScenarioStuck",
    "ServeError",
    "Service",
    "SimulatedWorld",
    "Table",
    "Tasks",
    "TooManyMessages",
    "Uniform",
    "World",
    "WorldError",
    "simulate",
]
_TAB = sys.platform == "emscripten"
_HOMES = {
    "LocalWorld": f"movingparts.world.{'browser' if _TAB else 'local'}",
    "SimulatedWorld": "movingparts.world.simulated",
    "simulate": "movingparts.world.simulated",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'movingparts.world' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "movingparts.core")), name)


def __dir__() -> list[str]:
    return __all__
