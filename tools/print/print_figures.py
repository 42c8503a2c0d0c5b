"""Figures for paper and e-readers: no CSS variables, no dark scheme, no motion."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path

from bs4 import Tag

from movingparts.draw.ink import alone

PALETTE = Path(__file__).resolve().parents[2] / "book/_static/css/palette.css"

DECLARED = re.compile(r"(--[\w-]+)\s*:\s*([^;{}]+)(?:;|(?=\}))")
LIGHT = re.compile(r'html\[data-theme="light"\]\s*\{([^}]*)\}')
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# A variable whose fallback, if it has one, holds at most one level of parentheses.
VARIABLE = re.compile(
    r"var\(\s*(--[\w-]+)\s*(?:,((?:[^()]|\((?:[^()]|\([^()]*\))*\))*))?\)"
)
MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
DEPTH = 8  # a variable may refer to another, at most this often

PATH = re.compile(r"path\('([^']*)'\)")
NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
RIDE = re.compile(r"mp-ride-(\d+)")
START = re.compile(r"--mp-start:([\d.]+)s")
LOOP = re.compile(r"--mp-loop:([\d.]+)s")
STILL = re.compile(r"--mp-still:([\d.]+)s")
# The share of the loop after which a ride has arrived, from its keyframes.
ARRIVED = re.compile(
    r"@keyframes mp-ride-(\d+)\{0%\{[^}]*\}([\d.]+)%\{offset-distance:100%"
)
CLOCK_WIDTH = 908

Point = tuple[float, float]


def light_palette() -> dict[str, str]:
    """Return the palette's variables with their values on light paper."""
    found = LIGHT.search(COMMENT.sub("", PALETTE.read_text("utf-8")))
    if found is None:
        raise ValueError(f"{PALETTE.name} has no light palette")
    colors = dict(DECLARED.findall(found[1]))
    return colors | {"--mp-paper": "#ffffff", "--mp-surface": "#f3f5f7"}


def without_variables(css: str, known: dict[str, str]) -> str:
    """Return CSS with each variable replaced by its value, and no media query.

    >>> without_variables("a{--x:var(--y,red);color:var(--x)}", {})
    'a{color:red}'
    >>> without_variables("a{fill:var(--y, red)}@media(x){a{fill:blue}}", {"--y": "b"})
    'a{fill:b}'
    """
    css = MEDIA.sub("", COMMENT.sub("", css))
    values = {**{name: value.strip() for name, value in DECLARED.findall(css)}, **known}

    def value(found: re.Match[str]) -> str:
        return values.get(found[1], (found[2] or "inherit").strip())

    css = DECLARED.sub("", css)
    for _ in range(DEPTH):
        css = VARIABLE.sub(value, css)
    return css


def settle(article: Tag) -> None:
    """Give figures and styled elements of an article plain values."""
    for city in article.select("figure.mp-city"):
        hold_still(city)
    for phone in article.select("svg.mp-narrow"):
        phone.decompose()
    known = light_palette()
    for style in article.find_all("style"):
        # Paper has one drawing of each figure, however wide the paper is.
        always = alone(style.get_text())
        style.string = without_variables(always, known)
    for styled in article.select("[style]"):
        plain = without_variables(str(styled["style"]), known).strip("; ")
        if plain:
            styled["style"] = plain
        else:
            del styled["style"]
    for svg in article.find_all("svg"):
        svg["xmlns"] = "http://www.w3.org/2000/svg"


def hold_still(city: Tag) -> None:
    """Draw the moving city at the moment of its still picture."""
    style = city.find("style")
    moves = style.get_text() if style else ""
    shares = {name: float(share) / 100 for name, share in ARRIVED.findall(moves)}
    frame = str(city.get("style", ""))
    loop, still = (each.search(frame) for each in (LOOP, STILL))
    if style is None or loop is None or still is None:
        return
    now = float(still[1]) / float(loop[1])
    for bike in city.select(".mp-bikes circle"):
        place = ridden(str(bike.get("style", "")), shares, now, float(loop[1]))
        if place is None:
            bike.decompose()
        else:
            bike.attrs = {"r": "6", "cx": f"{place[0]:.1f}", "cy": f"{place[1]:.1f}"}
    for clock in city.select(".mp-clock"):
        clock["transform"] = f"translate({CLOCK_WIDTH * now:.1f} 0)"
    style.decompose()
    del city["style"]


def ridden(
    style: str, shares: dict[str, float], now: float, loop: float
) -> Point | None:
    """Return where a bike is at a moment of the loop; None while it is not ridden."""
    way, ride, start = PATH.search(style), RIDE.search(style), START.search(style)
    if way is None or ride is None or start is None:
        return None
    since = (now - float(start[1]) / loop) % 1
    share = shares[ride[1]]
    if since > share:
        return None
    numbers = [float(number) for number in NUMBERS.findall(way[1])]
    return along(list(zip(numbers[::2], numbers[1::2], strict=True)), since / share)


def along(way: list[Point], share: float) -> Point:
    """Return the place that lies at a share of a way's length.

    >>> along([(0, 0), (10, 0), (10, 10)], 0.75)
    (10.0, 5.0)
    """
    legs = list(pairwise(way))
    left = share * sum(math.dist(*leg) for leg in legs)
    for start, end in legs:
        length = math.dist(start, end)
        if length >= left and length > 0:
            part = left / length
            return (
                start[0] + (end[0] - start[0]) * part,
                start[1] + (end[1] - start[1]) * part,
            )
        left -= length
    return way[-1]
