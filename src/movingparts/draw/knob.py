"""A figure with knobs: every setting is computed beforehand, and a page switches."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from movingparts.draw.figure import Figure, TextTable
from movingparts.draw.ink import printable

FORMAT = "movingparts.knob/1"
MOST_DIALS = 3
MOST_SETTINGS = 120  # each is a drawing of a few kilobytes in the page's file

Value = float | str
Setting = tuple[int, ...]  # the place of each dial's value among its values

_NAME = re.compile(r'class="mp-svg (mp-[0-9a-f]{10})\b')
_STYLE = re.compile(r"<style>.*?</style>\n?", re.DOTALL)
_INERT = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&"})


@dataclass(frozen=True, slots=True)
class Dial:
    """One parameter of a knob figure: its name for readers, its values, its unit.

    Numbers become a slider, in the order given; texts become a list to choose from,
    or a slider too if they are `ordered`, such as times of a day. `start` is the value
    that the page shows first, by default the first one.

    >>> Dial("messages lost", (0.5, 1, 2), unit="%", start=1).text(2)
    '2 %'
    """

    label: str
    values: Sequence[Value]
    unit: str = ""
    start: Value | None = None
    ordered: bool = False

    def text(self, value: Value) -> str:
        """Return a value as the reader sees it, with its unit."""
        shown = value if isinstance(value, str) else f"{value:,.10g}"
        return printable(f"{shown} {self.unit}" if self.unit else shown)

    def place(self) -> int:
        """Return the place of the value that is shown first."""
        return 0 if self.start is None else list(self.values).index(self.start)

    def data(self) -> dict[str, Any]:
        """Return what the page needs to offer the values."""
        chosen = not self.ordered and any(isinstance(v, str) for v in self.values)
        texts = [self.text(value) for value in self.values]
        return {
            "label": printable(self.label),
            "kind": "choice" if chosen else "slider",
            "values": texts,
            "start": self.place(),
        }


@dataclass(frozen=True, slots=True)
class Knob:
    """Figures over a grid of settings, of which a page shows one at a time.

    Without JavaScript, and in JupyterLab, it is the figure of the first setting and a
    table of what all settings show.
    """

    dials: tuple[Dial, ...]
    figures: dict[Setting, Figure] = field(repr=False)

    @property
    def shown(self) -> Figure:
        """The figure that the page shows before anybody turns a knob."""
        return self.figures[tuple(dial.place() for dial in self.dials)]

    def html(self) -> str:
        """Return the custom element: a figure, the table of findings, the data."""
        text = json.dumps(self.data(), separators=(",", ":")).translate(_INERT)
        return (
            f"<moving-parts-knob>{self.shown.html()}{self.findings().html()}"
            f'<script type="application/json">{text}</script></moving-parts-knob>'
        )

    def findings(self) -> TextTable:
        """Return the table of all settings and what their figures show."""
        columns = (*(printable(dial.label) for dial in self.dials), "what it shows")
        rows = tuple(
            (*self._texts(setting), figure.title)
            for setting, figure in self.figures.items()
        )
        return TextTable(f"All {len(rows)} settings, as a table", columns, rows)

    def data(self) -> dict[str, Any]:
        """Return what the page switches between, the last dial turning fastest."""
        return {
            "format": FORMAT,
            "dials": [dial.data() for dial in self.dials],
            "variants": [
                {
                    "title": printable(figure.title),
                    "svgs": svgs,
                    "caption": printable(figure.table.caption),
                    "table": [figure.table.columns, *figure.table.rows],
                    "more": figure.table.more() if figure.table.left_out else "",
                }
                for figure, svgs in zip(
                    self.figures.values(), self._drawings(), strict=True
                )
            ],
        }

    def _texts(self, setting: Setting) -> Iterator[str]:
        for dial, place in zip(self.dials, setting, strict=True):
            yield dial.text(dial.values[place])

    def _drawings(self) -> Iterator[list[str]]:
        """Yield each setting's drawings, the wide one first, as the page keeps them.

        A drawing's ids and style are scoped by a name made from its content; as one
        takes the other's place, they can share the name, and mostly the style.
        """
        shown = [(_name(svg), _style(svg)) for svg in _svgs(self.shown)]
        for figure in self.figures.values():
            yield [
                _sharing(svg, *each)
                for svg, each in zip(_svgs(figure), shown, strict=True)
            ]

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        labels = " and ".join(printable(dial.label) for dial in self.dials)
        return f"<Knob {labels}: {len(self.figures)} settings>"


def knob(figure: Callable[..., Figure], /, **dials: Dial) -> Knob:
    """Compute a figure for every setting of up to three dials, for a page to switch.

    `figure` is called with each dial's value under the dial's name, and returns a
    `Figure`, whose title states what that setting shows. The settings are at most
    120 in all. Raises `ValueError` for dials that cannot be, `TypeError` where
    `figure` returns something else.

    >>> from movingparts.draw import chart
    >>> def doubled(n):
    ...     return chart({"2n": [(0, 0), (n, 2 * n)]}, title=f"It reaches {2 * n}",
    ...                  x_label="n", y_label="2n")
    >>> knob(doubled, n=Dial("n", (1, 2, 3)))
    <Knob n: 3 settings>
    """
    _refuse_bad(dials)
    figures: dict[Setting, Figure] = {}
    for setting in itertools.product(*(range(len(d.values)) for d in dials.values())):
        values = {
            name: dial.values[place]
            for (name, dial), place in zip(dials.items(), setting, strict=True)
        }
        made = figure(**values)
        if not isinstance(made, Figure):
            raise TypeError(
                f"the function of a knob returns a Figure (chart, sequence, …),"
                f" got {type(made).__name__} for {values}"
            )
        figures[setting] = made
    return Knob(tuple(dials.values()), figures)


def _refuse_bad(dials: dict[str, Dial]) -> None:
    if not 1 <= len(dials) <= MOST_DIALS:
        raise ValueError(f"a knob figure has one to three dials, got {len(dials)}")
    for name, dial in dials.items():
        values = list(dial.values)
        if not values:
            raise ValueError(f"the dial {name!r} has no values")
        if any(isinstance(v, float) and not math.isfinite(v) for v in values):
            raise ValueError(f"the dial {name!r} has a value that is not finite")
        texts = [dial.text(value) for value in values]
        if twice := [text for i, text in enumerate(texts) if text in texts[:i]]:
            raise ValueError(f"the dial {name!r} has a value twice: {twice[0]!r}")
        if dial.start is not None and dial.start not in values:
            raise ValueError(f"the dial {name!r} starts at no value of its own")
    settings = math.prod(len(dial.values) for dial in dials.values())
    if settings > MOST_SETTINGS:
        raise ValueError(
            f"a knob figure has at most {MOST_SETTINGS} settings, got {settings}:"
            " give the dials fewer values"
        )


def _svgs(figure: Figure) -> list[str]:
    """Return a figure's drawings: one, or one for wide screens and one for phones."""
    return [figure.svg, figure.narrow] if figure.narrow else [figure.svg]


def _sharing(svg: str, name: str, style: str) -> str:
    renamed = svg.replace(_name(svg), name)
    return renamed.replace(style, "") if _style(renamed) == style else renamed


def _name(svg: str) -> str:
    found = _NAME.search(svg)
    return found[1] if found else "mp-0"


def _style(svg: str) -> str:
    found = _STYLE.search(svg)
    return found[0] if found else ""
