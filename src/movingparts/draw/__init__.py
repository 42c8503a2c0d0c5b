"""Figures: a recording as a sequence diagram, a topology, a player; and charts."""

from movingparts.draw.chart import chart, ecdf, percentiles
from movingparts.draw.figure import Figure, Twin
from movingparts.draw.player import Player, play
from movingparts.draw.sequence import sequence
from movingparts.draw.topology import topology

__all__ = [
    "Figure",
    "Player",
    "Twin",
    "chart",
    "ecdf",
    "percentiles",
    "play",
    "sequence",
    "topology",
]
