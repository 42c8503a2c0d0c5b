"""Lines of numbers as an SVG chart: latency against load, a distribution."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from movingparts.draw.figure import Figure, TextTable
from movingparts.draw.ink import (
    LINE,
    document,
    fitted,
    line_of_text,
    path,
    printable,
    width,
)

Points = Sequence[tuple[float, float]]
WIDE = 440  # pixels: on a phone three quarters of that, and its text is still 11
_HUES = ("request", "copy", "event", "plain", "done")
_SHAPES = ("circle", "square", "triangle", "diamond", "ring")


@dataclass(frozen=True, slots=True)
class Scale:
    """One axis: the numbers at its two ends, its pixels there, and its ticks."""

    low: float
    high: float
    start: int
    end: int
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, value: float) -> int:
        """Return the pixel of a number."""
        low, high, here = self.low, self.high, value
        if self.log:
            low, high, here = (_log(v) for v in (low, high, value))
        share = (here - low) / (high - low) if high > low else 0.5
        return round(round(self.start + share * (self.end - self.start), 3))


def chart(
    series: Mapping[str, Points],
    *,
    title: str,
    x_label: str,
    y_label: str,
    description: str | None = None,
    log_y: bool = False,
    y_top: float | None = None,
    height: int = 320,
) -> Figure:
    """Draw lines of (x, y) points, each with its name at its end and its own marker.

    `title` states the finding; the labels name quantity and unit ("latency (ms)").
    `log_y` spaces the y axis by powers of ten; `y_top` is a number that a linear y
    axis reaches in any case, so that charts beside one another share it; `height` is
    in pixels. Raises `ValueError` where there is nothing to draw, a number is not
    finite, or a logarithm is asked of one that is not positive.

    >>> chart({"p50": [(1, 2.0), (2, 4.5)]}, title="Latency doubles with each hop",
    ...       x_label="services in the chain", y_label="latency (ms)")
    <Figure chart: Latency doubles with each hop>
    """
    lines = {str(name): _checked(str(name), points) for name, points in series.items()}
    _refuse_bad(lines, log_y)
    if description is None:
        description = _described(lines, x_label, y_label)
    names, high = (x_label, y_label), max(height, 200)
    svg = _drawn(
        lines, title, description, names=names, log_y=log_y, height=high, y_top=y_top
    )
    return Figure("chart", title, description, svg, _table(lines, x_label, y_label))


def ecdf(
    samples: Mapping[str, Sequence[float]],
    *,
    title: str,
    x_label: str,
    of: str = "samples",
    description: str | None = None,
    height: int = 320,
) -> Figure:
    """Draw which share of the samples is at most x, a line a name.

    `of` says what the samples are ("rides"). A line has at most 101 points, one a
    percentile. Raises `ValueError` as `chart`.
    """
    lines: dict[str, Points] = {}
    for name, values in samples.items():
        ordered = sorted(float(v) for v in values)
        if not ordered:
            raise ValueError(f"{name!r} has no samples")
        ranks = {-(-len(ordered) * p // 100) or 1: None for p in range(101)}
        lines[name] = [(ordered[r - 1], 100 * r / len(ordered)) for r in ranks]
    return chart(
        lines,
        title=title,
        x_label=x_label,
        y_label=f"share of {of} (%)",
        description=description,
        height=height,
    )


def percentiles(samples: Sequence[float], *of: float) -> tuple[float, ...]:
    """Return the percentiles of samples by nearest rank; p50, p95, p99 by default.

    Raises `ValueError` without samples or for a percentile outside 0 to 100.

    >>> percentiles([3.0, 1.0, 2.0, 10.0])
    (2.0, 10.0, 10.0)
    """
    ordered = sorted(samples)
    if not ordered:
        raise ValueError("there are no percentiles of no samples")
    wanted = of or (50, 95, 99)
    if any(not 0 <= p <= 100 for p in wanted):
        raise ValueError(f"a percentile is from 0 to 100, got {wanted}")
    ranks = (max(math.ceil(Decimal(str(p)) * len(ordered) / 100), 1) for p in wanted)
    return tuple(ordered[rank - 1] for rank in ranks)


def _checked(name: str, points: Points) -> list[tuple[float, float]]:
    found = sorted((float(x), float(y)) for x, y in points)
    if not found:
        raise ValueError(f"the line {name!r} has no points")
    if not all(math.isfinite(value) for point in found for value in point):
        raise ValueError(f"the line {name!r} has a number that is not finite")
    return found


def _refuse_bad(lines: Mapping[str, Points], log_y: bool) -> None:
    if not lines:
        raise ValueError("there is no line to draw")
    if len(lines) > len(_SHAPES):
        raise ValueError(f"a chart has at most {len(_SHAPES)} lines, got {len(lines)}")
    if log_y and any(y <= 0 for points in lines.values() for _, y in points):
        raise ValueError("log_y needs every y above 0")


def _log(value: float) -> float:
    # Rounded, because the last bit of a logarithm differs between platforms.
    return round(math.log10(value), 9)


def _scales(
    lines: Mapping[str, Points],
    log_y: bool,
    left: int,
    right: int,
    low: int,
    y_top: float | None,
) -> tuple[Scale, Scale]:
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    x_ticks = _linear(min(xs), max(xs), 7)
    own = sorted(set(xs))
    if len(own) <= 10 and all(x == int(x) for x in own):
        x_ticks = tuple(own)  # few whole numbers: mark just those
    x = Scale(min(*xs, *x_ticks), max(*xs, *x_ticks), left, right, x_ticks)
    if log_y:
        ends = math.floor(_log(min(ys))), math.ceil(_log(max(ys)))
        ticks = tuple(10.0**p for p in range(ends[0], max(ends[1], ends[0] + 1) + 1))
        return x, Scale(ticks[0], ticks[-1], low, 22, ticks, log=True)
    ys += [] if y_top is None else [y_top]
    y_ticks = _linear(min(0.0, *ys), max(ys) if max(ys) > 0 else 1.0, 5)
    return x, Scale(y_ticks[0], max(y_ticks[-1], *ys), low, 22, y_ticks)


def _linear(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return about `count` round numbers from at most `low` to at least `high`."""
    if low == high:
        return (low,)
    rough = Decimal(repr(high - low)) / count
    power = Decimal(10) ** rough.adjusted()
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    first = math.floor(Decimal(repr(low)) / step)
    last = math.ceil(Decimal(repr(high)) / step)
    return tuple(float(step * i) for i in range(first, last + 1))


def number(value: float) -> str:
    """Write a number for an axis or a cell: at most four significant digits."""
    text = f"{value:.4g}"
    if "e" in text:
        text = f"{value:,.0f}" if abs(value) >= 1 else text
    elif abs(value) >= 1_000:
        text = f"{value:,.0f}"
    return text


def _drawn(
    lines: Mapping[str, Points],
    title: str,
    description: str,
    *,
    names: tuple[str, str],
    log_y: bool,
    height: int,
    y_top: float | None,
) -> str:
    wide = WIDE
    low = height - 74
    _, y = _scales(lines, log_y, 0, 1, low, y_top)
    left = max(width(number(t)) for t in y.ticks) + 20
    tags = {name: fitted(name, 120) for name in lines}
    right = wide - max(width(tag, bold=True) for tag in tags.values()) - 34
    x, y = _scales(lines, log_y, left, right, low + 14, y_top)
    y = Scale(y.low, y.high, low + 14, 44, y.ticks, y.log)
    body = [*_axes(x, y, names, height)]
    ends = _apart({n: y.at(points[-1][1]) for n, points in lines.items()})
    for i, (name, points) in enumerate(lines.items()):
        spots = [(x.at(a), y.at(b)) for a, b in points]
        hue, shape = _HUES[i], _SHAPES[i]
        solid = hue if hue != "event" else "event solid"
        body.append(f'<path class="arrow {solid}" d="{path(spots)}"/>')
        if len(spots) <= 30:
            body += [_marker(shape, hue, *spot) for spot in spots]
        tag = ends[name]
        body.append(_marker(shape, hue, right + 16, tag))
        body.append(line_of_text(right + 27, tag + 5, tags[name], "bold"))
    return document((wide, height), title, description, body)


def _axes(x: Scale, y: Scale, names: tuple[str, str], height: int) -> Iterator[str]:
    yield line_of_text(4, 20, fitted(names[1], WIDE - 8), "quiet")
    for tick in y.ticks:
        at = y.at(tick)
        yield f'<path class="rule" d="M{x.start} {at}H{x.end}"/>'
        yield line_of_text(x.start - 8, at + 5, number(tick), "quiet", anchor="end")
    yield f'<path class="axis" d="M{x.start} {y.start}H{x.end}"/>'
    last = -1000
    for tick in x.ticks:
        at, text = x.at(tick), number(tick)
        yield f'<path class="axis" d="M{at} {y.start}v5"/>'
        if at - width(text) // 2 > last + 6:
            yield line_of_text(at, y.start + 22, text, "quiet", anchor="middle")
            last = at + width(text) // 2
    middle = (x.start + x.end) // 2
    yield line_of_text(
        middle, height - 10, fitted(names[0], WIDE - 8), "quiet", anchor="middle"
    )


def _apart(wanted: Mapping[str, int]) -> dict[str, int]:
    """Move the heights of names apart until each has its own line."""
    ordered = sorted(wanted, key=lambda name: (wanted[name], name))
    placed: dict[str, int] = {}
    for name in ordered:
        placed[name] = max(wanted[name], max(placed.values(), default=-LINE) + LINE)
    over = max(placed.values()) - max(wanted.values())
    return {name: at - min(over, LINE) // 2 for name, at in placed.items()}


def _marker(shape: str, hue: str, x: int, y: int) -> str:
    kind = f"head {hue}"
    if shape in ("circle", "ring"):
        kind = kind if shape == "circle" else "open bg"
        return f'<circle class="{kind}" cx="{x}" cy="{y}" r="4"/>'
    if shape == "square":
        return f'<rect class="{kind}" x="{x - 4}" y="{y - 4}" width="8" height="8"/>'
    points = [(x - 5, y + 4), (x, y - 5), (x + 5, y + 4)]
    if shape == "diamond":
        points = [(x - 5, y), (x, y - 5), (x + 5, y), (x, y + 5)]
    return f'<path class="{kind}" d="{path(points)}Z"/>'


def _described(lines: Mapping[str, Points], x_label: str, y_label: str) -> str:
    parts = [
        f"{name} goes from {number(points[0][1])} at {number(points[0][0])}"
        f" to {number(points[-1][1])} at {number(points[-1][0])}"
        for name, points in lines.items()
    ]
    return f"{y_label} against {x_label}: {'; '.join(parts)}."


def _table(lines: Mapping[str, Points], x_label: str, y_label: str) -> TextTable:
    xs = sorted({x for points in lines.values() for x, _ in points})
    known = {name: dict(points) for name, points in lines.items()}
    rows = tuple(
        (number(x), *(number(of[x]) if x in of else "" for of in known.values()))
        for x in xs
    )
    columns = (printable(x_label), *(printable(name) for name in lines))
    return TextTable(f"The numbers: {printable(y_label)}", columns, rows)
