"""Figures: a recording as sequence, topology, player; charts; knobs; boards; maps."""

from movingparts.draw.board import BoardFigure, board
from movingparts.draw.chart import chart, ecdf, percentiles
from movingparts.draw.citymap import city_map
from movingparts.draw.contexts import contexts
from movingparts.draw.figure import Figure, TextTable
from movingparts.draw.knob import Dial, Knob, knob
from movingparts.draw.player import Player, play
from movingparts.draw.sequence import sequence
from movingparts.draw.topology import topology

__all__ = [
    "BoardFigure",
    "Dial",
    "Figure",
    "Knob",
    "Player",
    "TextTable",
    "board",
    "chart",
    "city_map",
    "contexts",
    "ecdf",
    "knob",
    "percentiles",
    "play",
    "sequence",
    "topology",
]
