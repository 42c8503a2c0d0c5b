"""What the figures are written with: escaped text, estimated widths, a style."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

Screen = Literal["wide", "narrow"]

SIZE = 15  # pixels, 11.25 pt: the smallest type in a figure
LINE = 19  # pixels from one baseline to the next
HOUR = 3_600_000_000  # microseconds

# Widths of Arial's characters in em; a character not named here takes half an em.
_WIDTHS = {
    **dict.fromkeys("ijl'|", 0.23),
    **dict.fromkeys(" .,:;!fIt/\\[]", 0.28),
    **dict.fromkeys('-()r"`', 0.34),
    **dict.fromkeys("0123456789abdeghnopqu_#$", 0.56),
    **dict.fromkeys("ABEKPSVXY&", 0.67),
    **dict.fromkeys("CDHNRUw", 0.73),
    **dict.fromkeys("GOQ", 0.78),
    **dict.fromkeys("mM", 0.84),
    **dict.fromkeys("W→←↻✕✓■●▲…—%", 1.0),
    **dict.fromkeys("=+<>~·\u00d7", 0.59),
    "@": 1.02,
}

# What XML 1.0 cannot carry, and what would turn the direction of a line around.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
    "\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)

# role: (custom property of the book's palette, value on light, value on dark)
_ROLES = {
    "ink": ("ink", "#2e3440", "#d8dee9"),
    "paper": ("paper", "#fcfcfa", "#161a21"),
    "muted": ("muted", "#596273", "#9ca8b9"),
    "line": ("line", "#d9dee5", "#333b48"),
    "surface": ("surface", "#f2f4f6", "#1f252e"),
    "request": ("request", "#0072b2", "#4aa8e0"),
    "event": ("event", "#e69f00", "#e69f00"),
    "edge": ("event-edge", "#7d5600", "#ffd98a"),
    "success": ("success", "#009e73", "#21b78d"),
    "failure": ("failure", "#d55e00", "#ee7d2b"),
    "alarm": ("failure-text", "#a84600", "#ff9d5c"),
    "retry": ("retry", "#cc79a7", "#d48fb6"),
    "again": ("retry-text", "#94406f", "#e3a9c9"),
    "idle": ("idle", "#2e3440", "#d8dee9"),
}

_RULES = """
text{font:15px var(--_font);fill:var(--_ink)}
.bg{fill:var(--_paper)}
.quiet{fill:var(--_muted)}
.bold{font-weight:600}
.alarm{fill:var(--_alarm)}
.again{fill:var(--_again)}
.halo{paint-order:stroke;stroke:var(--_paper);stroke-width:5px;stroke-linejoin:round}
.life{stroke:var(--_idle);stroke-width:1;opacity:.45}
.down{stroke-dasharray:1 5;stroke-linecap:round;stroke-width:2}
.rule{stroke:var(--_line);stroke-width:1;fill:none}
.axis{stroke:var(--_muted);stroke-width:1;fill:none}
.box{fill:var(--_surface);stroke:var(--_idle);stroke-width:1.5}
.mark{fill:var(--_idle)}
.work{fill:var(--_surface);stroke:var(--_idle);stroke-width:1.25}
.work.bad{stroke:var(--_failure);stroke-width:2}
.request,.reply{stroke:var(--_request)}
.event,.ack{stroke:var(--_edge);stroke-dasharray:7 4}
.ack{stroke-dasharray:2 4}
.plain{stroke:var(--_idle)}
.done{stroke:var(--_success)}
.copy{stroke:var(--_again)}
.off{stroke:var(--_failure)}
.arrow{fill:none;stroke-width:1.75}
.head{stroke-width:1.25;stroke-linejoin:round;stroke-dasharray:none}
.head.request,.head.reply{fill:var(--_request)}
.head.event,.head.ack{fill:var(--_event)}
.head.copy{fill:var(--_retry)}
.head.plain{fill:var(--_idle)}
.head.done{fill:var(--_success)}
.head.off{fill:var(--_paper);stroke-width:1.75}
.cross{stroke:var(--_failure);stroke-width:2.5;stroke-linecap:round;fill:none}
.wall{stroke:var(--_failure);stroke-width:3;fill:none}
.solid{stroke-dasharray:none}
.open{stroke:var(--_muted);stroke-width:2;fill:none}
"""


# What hides a drawing on the other kind of screen.
_ELSEWHERE = re.compile(r"@media\(m(?:ax|in)-width:\d+px\)\{\.[\w-]+\{display:none\}\}")


def alone(style: str) -> str:
    """Return a drawing, or its style, that shows on every screen and on paper."""
    return _ELSEWHERE.sub("", style)


def printable(text: str) -> str:
    """Return a text on one line, without what XML cannot carry."""
    return _UNPRINTABLE.sub("\ufffd", " ".join(text.split()))


def escaped(text: str) -> str:
    """Return a text that is safe between the tags of SVG and of HTML."""
    return escape(printable(text))


def quoted(text: str) -> str:
    """Return a text as an attribute's value, with its quotation marks."""
    return quoteattr(printable(text))


def width(text: str, *, bold: bool = False) -> int:
    """Estimate how many pixels a line of text takes, a little too many."""
    em = 0.0
    for char in text:
        wide = unicodedata.east_asian_width(char) in "WF" or ord(char) > 0x1F000
        em += _WIDTHS.get(char, 1.0 if wide else 0.67 if char.isupper() else 0.52)
    return round(em * SIZE * (1.12 if bold else 1.06)) + 1


def fitted(text: str, room: int, *, bold: bool = False) -> str:
    """Return a text shortened with an ellipsis to fit `room` pixels."""
    text = printable(text)
    if width(text, bold=bold) <= room:
        return text
    while text and width(text + "…", bold=bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def line_of_text(
    x: int, y: int, text: str, classes: str = "", *, anchor: str = "start"
) -> str:
    """Write one line of text whose baseline begins, ends or centers at (x, y)."""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    kind = f' class="{classes}"' if classes else ""
    return f'<text x="{x}" y="{y}"{where}{kind}>{escaped(text)}</text>'


def document(
    size: tuple[int, int],
    title: str,
    description: str,
    body: Iterable[str],
    on: Screen | None = None,
) -> str:
    """Wrap shapes into an SVG that stands alone, in either color scheme.

    Its ids come from its content, so that two figures on a page do not share one.
    `on` is the kind of screen on which it shows, where there is another for the rest.
    """
    wide, high = size
    shapes = "\n".join(body)
    text = f"{wide}x{high}{title}{description}{shapes}"
    name = "mp-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:10]
    kind = f"mp-svg {name} mp-{on}" if on else f"mp-svg {name}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" role="img"'
        f' viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
        f' aria-labelledby="{name}-t {name}-d">\n'
        f'<title id="{name}-t">{escaped(title)}</title>\n'
        f'<desc id="{name}-d">{escaped(description)}</desc>\n'
        f"<style>{_style(name, shapes, on)}</style>\n"
        f'<rect class="bg" width="{wide}" height="{high}" rx="6"/>\n{shapes}\n</svg>\n'
    )


def _style(name: str, shapes: str, on: Screen | None) -> str:
    """Return the rules that the shapes need, for one drawing among others on a page."""
    own = f".{name}"
    used = set(" ".join(re.findall(r'class="([^"]*)"', shapes)).split())
    used |= {"bg", "down", "bold"}
    light = "".join(
        f"--_{role}:var(--mp-{prop},{day});" for role, (prop, day, _) in _ROLES.items()
    )
    dark = "".join(
        f"--_{role}:var(--mp-{prop},{night});"
        for role, (prop, _, night) in _ROLES.items()
    )
    font = 'var(--mp-font-sign,"Segoe UI",Roboto,Helvetica,Arial,sans-serif)'
    rules = []
    for rule in _RULES.strip().splitlines():
        selector, block = rule.split("{", 1)
        scoped = [
            f"{own} {part}"
            for part in selector.split(",")
            if part == "text" or set(part[1:].split(".")) <= used
        ]
        if scoped:
            rules.append(f"{','.join(scoped)}{{{block}")
    return (
        f"{own}{{display:block;margin:0 auto;max-width:100%;height:auto;"
        f"--_font:{font};{light}}}"
        f"@media(prefers-color-scheme:dark){{{own}{{{dark}}}}}"
        + "".join(rules)
        + {
            None: f"@media(max-width:520px){{{own} text:not(.bold){{font-size:17px}}}}",
            "wide": f"@media(max-width:520px){{{own}{{display:none}}}}",
            "narrow": f"@media(min-width:521px){{{own}{{display:none}}}}",
        }[on]
    )


def path(points: Sequence[tuple[int, int]]) -> str:
    """Return the path data of straight lines through points."""
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def cross(x: int, y: int, reach: int = 6) -> str:
    """Draw a ✕ centered at a point."""
    low, high = y - reach, y + reach
    left, right = x - reach, x + reach
    return (
        f'<path class="cross" d="M{left} {low}L{right} {high}M{left} {high}'
        f'L{right} {low}"/>'
    )


def in_units(at_us: int, unit: str, places: int) -> str:
    """Write microseconds in a unit with a fixed number of decimal places."""
    per = {"µs": 1, "ms": 1_000, "s": 1_000_000, "h": HOUR}[unit]
    scaled = at_us * 10**places
    whole = (scaled + per // 2) // per  # integers only: floats round by platform
    text = f"{whole:0{places + 1}d}"
    front = f"{int(text[: len(text) - places]):,}"
    return f"{front}.{text[-places:]}" if places else front


def units(span_us: int) -> str:
    """Choose the unit for an axis that spans so many microseconds."""
    if span_us < 1_000:
        return "µs"
    if span_us < 10_000_000:
        return "ms"
    return "s" if span_us < 6 * HOUR else "h"


def duration(at_us: int) -> str:
    """Write a duration for a reader, in the unit that suits its size."""
    if at_us < 1_000:
        return f"{at_us} µs"
    if at_us < 1_000_000:
        return f"{in_units(at_us, 'ms', 1 if at_us < 100_000 else 0)} ms"
    if at_us < 6 * HOUR:
        return f"{in_units(at_us, 's', 2 if at_us < 100_000_000 else 0)} s"
    return f"{in_units(at_us, 'h', 1)} h"
