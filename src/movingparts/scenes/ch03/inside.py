"""A stand that keeps its own rule, in the style in which most code keeps rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from movingparts.city.availability.model import Refused


@dataclass
class Stand:
    """The bikes at a station, each of them for one rider at most.

    >>> stand = Stand("S01", ["B7"])
    >>> stand.reserve("ada")
    'B7'
    >>> stand.walk_up("bob")
    Traceback (most recent call last):
    movingparts.city.availability.model.Refused: no bike is left at S01
    """

    stand_id: str
    bikes: list[str]
    promised: dict[str, str] = field(default_factory=dict)  # bike: rider

    def reserve(self, rider: str) -> str:
        """Promise a free bike to a rider."""
        bike = self._free()
        self.promised[bike] = rider
        return bike

    def walk_up(self, rider: str) -> str:
        """Let a rider take a free bike."""
        bike = self._free()
        self.bikes.remove(bike)
        return bike

    def swap(self, rider: str) -> str:
        """Promise a free bike instead of the one that is broken."""
        broken, other = self._promised_to(rider), self._free()
        self.bikes.remove(broken)
        del self.promised[broken]
        self.promised[other] = rider
        return other

    def _free(self) -> str:
        for bike in self.bikes:
            if bike not in self.promised:
                return bike
        raise Refused(f"no bike is left at {self.stand_id}")

    def _promised_to(self, rider: str) -> str:
        for bike, whose in self.promised.items():
            if whose == rider:
                return bike
        raise Refused(f"{rider} has no bike at {self.stand_id}")
