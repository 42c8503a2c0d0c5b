"""The first cards on Larkhaven's wall: seven events, four rules and one word."""

from __future__ import annotations

from movingparts.scenes.ch02.event_storming_board import WALL
from movingparts.strategy.event_storming import Board, Card

_SEVEN = (
    *("BikeReserved", "ReservationExpired", "ReservationCollected", "BikeUnlocked"),
    *("RideStarted", "BikeDocked", "RideEnded"),
)
FIRST = Board(
    cards=tuple(
        Card(card.name, card.says, words=card.words)
        for card in WALL.events
        if card.name in _SEVEN
    ),
    rules=tuple(rule for rule in WALL.rules if {*rule.events} <= {*_SEVEN}),
)
