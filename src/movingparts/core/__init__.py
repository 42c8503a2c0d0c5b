"""What every world is made of: clock, chance, network, recording, node."""

from movingparts.core.clock import EPOCH, Clock
from movingparts.core.errors import (
    ScenarioStuck,
    ServeError,
    TooManyMessages,
    WorldError,
)
from movingparts.core.network import Conditions, Network
from movingparts.core.node import Disk, Node, Service, Tasks, World
from movingparts.core.random import (
    Constant,
    Empirical,
    Exponential,
    Latency,
    LogNormal,
    Uniform,
)
from movingparts.core.recording import Recording, RecordingError, Table

__all__ = [
    "EPOCH",
    "Clock",
    "Conditions",
    "Constant",
    "Disk",
    "Empirical",
    "Exponential",
    "Latency",
    "LogNormal",
    "Network",
    "Node",
    "Recording",
    "RecordingError",
    "ScenarioStuck",
    "ServeError",
    "Service",
    "Table",
    "Tasks",
    "TooManyMessages",
    "Uniform",
    "World",
    "WorldError",
]
