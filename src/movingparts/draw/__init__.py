"""Figures: a recording as a sequence diagram, a topology, a player; charts; knobs."""

from movingparts.draw.chart import chart, ecdf, percentiles
from movingparts.draw.figure import Figure, Twin
from movingparts.draw.knob import Dial, Knob, knob
from movingparts.draw.player import Player, play
from movingparts.draw.sequence import sequence
from movingparts.draw.topology import topology

__all__ = [
    "Dial",
    "Figure",
    "Knob",
    "Player",
    "Twin",
    "chart",
    "ecdf",
    "knob",
    "percentiles",
    "play",
    "sequence",
    "topology",
]
