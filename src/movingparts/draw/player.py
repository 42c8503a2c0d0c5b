"""A recording that plays: one custom element, the same on a page and in JupyterLab."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from movingparts.core.recording import Recording
from movingparts.draw.excerpt import DOWN, UP, Excerpt, described, excerpt, finding
from movingparts.draw.figure import Figure, art
from movingparts.draw.ink import escaped, printable, quoted
from movingparts.draw.sequence import classes_of, drawings, layouts
from movingparts.draw.topology import mapped, shapes_of

View = Literal["sequence", "topology"]
MODULE = Path(__file__).with_name("player.js")
FORMAT = "movingparts.player/1"


@dataclass(frozen=True, slots=True)
class Player:
    """A figure that plays.

    On a page it is `<moving-parts-player>` around its own SVG, table and data, which
    is what readers without JavaScript get. In JupyterLab with a live kernel the same
    HTML plays, because showing it makes the page load the module (see `_load`).

    >>> from movingparts.draw import play
    >>> from movingparts.core.recording import Recording
    >>> play(Recording(world="simulated"))
    <Player: No messages were sent>
    """

    title: str
    figure: Figure
    data: dict[str, Any] = field(repr=False)  # of the messages that `figure` shows
    whole: Excerpt = field(repr=False)  # all messages; laid out when they are asked for

    def html(self) -> str:
        """Return the custom element with all that it holds."""
        title = f'<p class="mp-title" slot="title">{escaped(self.title)}</p>'
        drawn = art(self.figure.svg + self.figure.narrow)
        here = f"{title}{drawn}{self.figure.table.html()}"
        attributes = f' view="{self.figure.kind}" label={quoted(self.title)}'
        script = f'<script type="application/json">{_inert(self.data)}</script>'
        return f"<moving-parts-player{attributes}>{here}{script}</moving-parts-player>"

    def widget(self) -> Any:
        """Return a live anywidget that plays all messages.

        Raises `ImportError`, with what to install, where anywidget is missing. Its
        output names a model of this kernel: do not commit it.
        """
        return _widget_class()(recording=_inert(self._everything()))

    def _everything(self) -> dict[str, Any]:
        data, drawings = _data(self.whole, self.title, described(self.whole))
        text = self.whole.table()
        table = [text.columns, *text.rows]
        return {**data, "view": self.figure.kind, "svg": drawings, "table": table}

    def _repr_html_(self) -> str:
        _load()
        return self.html()

    def __repr__(self) -> str:
        return f"<Player: {printable(self.title)}>"


def play(
    recording: Recording,
    *,
    title: str | None = None,
    description: str | None = None,
    view: View = "sequence",
    limit: int = 60,
    nodes: Sequence[str] | None = None,
    kinds: Collection[str] | None = None,
) -> Player:
    """Make a recording play: scrub, step, change the view, by mouse and keyboard.

    The page holds the first `limit` messages. The rest is as for `sequence`. Raises
    `ValueError` for an unknown view or node.
    """
    if view not in ("sequence", "topology"):
        raise ValueError(f"a view is 'sequence' or 'topology', got {view!r}")
    first = excerpt(recording, limit=limit, nodes=nodes, kinds=kinds)
    whole = excerpt(recording, nodes=nodes, kinds=kinds)
    title = finding(whole.messages) if title is None else title
    description = described(first) if description is None else description
    data, drawn = _data(first, title, description)
    other = "topology" if view == "sequence" else "sequence"
    narrow = drawn.pop("narrow") if view == "sequence" else ""
    return Player(
        title,
        Figure(view, title, description, drawn[view], first.table(), narrow),
        {**data, "view": view, "svg": {other: drawn[other]}},
        whole,
    )


def _data(
    part: Excerpt, title: str, description: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the player needs of an excerpt, and its two drawings."""
    found, places = layouts(part), mapped(part)
    layout, *small = found
    links = {key: i for i, key in enumerate(places.links)}
    messages = [
        [
            classes_of(m).split()[0],
            m.fate,
            m.sent_us,
            part.ends(m),
            *layout.ends(m),
            links.get((m.source, m.target), -1),
        ]
        for m in part.messages
    ]
    unit, digits = part.scale()
    data = {
        "format": FORMAT,
        "title": title,
        "unit": unit,
        "digits": digits,
        "size": layout.size,
        "heads": layout.top - 32,
        "times": layout.instants,
        "ys": layout.ys,
        "messages": messages,
        "links": [link.ends for link in places.links.values()],
        "rows": [happening.at_us for happening in part.happenings()],
        "downs": _downs(part),
    }
    for one in small:
        ends = [one.ends(message) for message in part.messages]
        heads = one.top - 32
        data["narrow"] = {"size": one.size, "heads": heads, "ys": one.ys, "ends": ends}
    svg, *narrow = drawings(found, title, description)
    return data, {
        "sequence": svg,
        "narrow": "".join(narrow),
        "topology": shapes_of(places, title, description),
    }


def _downs(part: Excerpt) -> list[list[Any]]:
    """Return when nodes were down: name, from, to (microseconds; null: to the end).

    A node of which a start is the first that is known was down before it.
    """
    first = {name: m.kind for m in reversed(part.moments) for name in m.nodes}
    starts = [name for name, kind in first.items() if kind == "start"]
    since = {name: [name, 0, None] for name in starts}
    downs: list[list[Any]] = list(since.values())
    for moment in part.moments:
        for name in moment.nodes:
            if moment.kind in DOWN and name not in since:
                since[name] = [name, moment.at_us, None]
                downs.append(since[name])
            elif moment.kind in UP and name in since:
                since.pop(name)[2] = moment.at_us
    return downs


def _inert(data: dict[str, Any]) -> str:
    """Return JSON that cannot end its script element, or open another."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


# --- JupyterLab ---------------------------------------------------------------------


def _live() -> bool:
    """Return whether a Jupyter server or JupyterLite drives this kernel.

    The server names the notebook in the environment of the kernels it starts; nbclient
    and nbval, which execute without anybody looking, do not.
    """
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    here = sys.platform == "emscripten" or "JPY_SESSION_NAME" in os.environ
    return here and getattr(shell, "kernel", None) is not None


def _load() -> None:
    """Make JupyterLab load the player's module, which defines the element.

    A widget's model loads its module in the page even where it is shown nowhere, so
    the cell's output stays the same HTML on every run, without a model's id in it.
    """
    if _live():
        with contextlib.suppress(ImportError):
            _loader()


@functools.cache
def _loader() -> Any:
    return _widget_class()()


@functools.cache
def _widget_class() -> type[Any]:
    try:
        anywidget = importlib.import_module("anywidget")
        traitlets = importlib.import_module("traitlets")
    except ImportError as error:
        message = "a live player needs anywidget: pip install 'movingparts[draw]'"
        raise ImportError(message) from error
    members = {
        "_esm": MODULE.read_text(encoding="utf-8"),
        "recording": traitlets.Unicode("").tag(sync=True),
        "__repr__": lambda _: "<Player widget>",
    }
    return type("PlayerWidget", (anywidget.AnyWidget,), members)
