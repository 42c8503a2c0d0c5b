"""The world in one process: a faulty network and virtual time, the same by seed."""

from movingparts.world.simulated.world import SimulatedWorld, scratch, simulate

__all__ = ["SimulatedWorld", "scratch", "simulate"]
