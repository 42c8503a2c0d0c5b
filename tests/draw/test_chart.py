"""Charts: lines with markers, names and units; percentiles by nearest rank."""

import math
import statistics
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.draw import Figure, chart, ecdf, percentiles
from tests.draw.test_sequence import overlaps, words

LINES = {
    "p50": [(1, 2.1), (2, 4.0), (4, 8.2), (8, 16.1)],
    "p95": [(1, 4.0), (2, 7.0), (4, 12.0), (8, 16.3)],
    "p99": [(1, 9.0), (2, 14.0), (4, 20.0), (8, 33.0)],
}


def drawn(**options: object) -> Figure:
    return chart(
        LINES, title="The tail grows", x_label="services", y_label="latency (ms)",
        **options,  # type: ignore[arg-type] - tests hand on any option
    )  # fmt: skip


@pytest.mark.parametrize("log_y", [False, True])
def test_a_chart_names_axes_units_and_lines(log_y: bool) -> None:
    """Text is text: labels with units, ticks, and each line's name at its end."""
    output = words(drawn(log_y=log_y))
    for text in ("services", "latency (ms)", "p50", "p95", "p99"):
        assert text in output
    assert [] == overlaps(drawn(log_y=log_y))


def test_lines_differ_in_shape_not_only_in_color() -> None:
    """Each line has its own marker."""
    root = ET.fromstring(drawn().svg)
    tags = [
        element.tag.rpartition("}")[2]
        for element in root.iter()
        if (element.get("class") or "").startswith("head ")
    ]
    assert {"circle", "rect", "path"} == set(tags)
    assert 5 == tags.count("circle")  # four points and the name's


def test_points_stand_where_their_numbers_are() -> None:
    """On a linear axis equal differences are equal distances."""
    figure = chart(
        {"line": [(0, 0), (1, 10), (2, 20)]}, title="t", x_label="x", y_label="y"
    )
    dots = [
        (int(e.get("cx", 0)), int(e.get("cy", 0)))
        for e in ET.fromstring(figure.svg).iter()
        if e.tag.endswith("circle")
    ][:3]
    (x0, y0), (x1, y1), (x2, y2) = dots
    assert abs((x1 - x0) - (x2 - x1)) <= 1
    assert abs((y0 - y1) - (y1 - y2)) <= 1
    assert y0 > y1 > y2


def test_a_log_axis_spaces_powers_of_ten_equally() -> None:
    """From 1 to 10 is as far as from 10 to 100."""
    figure = chart(
        {"line": [(0, 1), (1, 10), (2, 100)]}, title="t", x_label="x", y_label="y",
        log_y=True,
    )  # fmt: skip
    ys = [
        int(e.get("cy", 0))
        for e in ET.fromstring(figure.svg).iter()
        if e.tag.endswith("circle")
    ][:3]
    assert abs((ys[0] - ys[1]) - (ys[1] - ys[2])) <= 1


def test_the_table_holds_every_number() -> None:
    """The table has a row for each x and a column for each line."""
    table = drawn().table
    assert ("services", "p50", "p95", "p99") == table.columns
    assert ("4", "8.2", "12", "20") == table.rows[2]


@pytest.mark.parametrize(
    ("series", "options", "message"),
    [
        ({}, {}, "no line to draw"),
        ({"a": []}, {}, "'a' has no points"),
        ({"a": [(1, math.nan)]}, {}, "'a' has a number that is not finite"),
        ({"a": [(1, 0.0)]}, {"log_y": True}, "log_y needs every y above 0"),
        ({str(i): [(1, 1)] for i in range(6)}, {}, "at most 5 lines, got 6"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    series: dict[str, list[tuple[float, float]]], options: dict[str, bool], message: str
) -> None:
    """The error says which line is wrong and why."""
    with pytest.raises(ValueError, match=message):
        chart(series, title="t", x_label="x", y_label="y", **options)  # type: ignore[arg-type] - options are keywords


def test_one_point_and_one_value_are_drawn() -> None:
    """An axis without extent still has a place for its number."""
    figure = chart({"a": [(3, 0)]}, title="t", x_label="x", y_label="y")
    assert "3" in words(figure)


def test_hostile_names_stay_text() -> None:
    """Markup in a line's name is text."""
    figure = chart(
        {"<b>": [(1, 1)]}, title="</title><script>", x_label="<x>", y_label="&amp;"
    )
    ET.fromstring(figure.svg)
    assert "<b>" in words(figure)
    assert "<script" not in figure.html()


def test_an_ecdf_ends_at_one_hundred_percent() -> None:
    """The largest sample is at 100 %."""
    figure = ecdf({"a": [3, 1, 2, 2]}, title="t", x_label="latency (ms)")
    assert "100" == figure.table.rows[-1][1]
    assert "3" == figure.table.rows[-1][0]


def test_an_ecdf_says_what_its_samples_are() -> None:
    """On its axis and in its table, where the caller tells."""
    figure = ecdf({"a": [1, 2]}, title="t", x_label="x", of="rides")
    assert "share of rides (%)" in words(figure)
    plain = ecdf({"a": [1, 2]}, title="t", x_label="x")
    assert "share of samples (%)" in words(plain)


def test_an_ecdf_of_nothing_is_refused() -> None:
    """A name without samples is named."""
    with pytest.raises(ValueError, match="'a' has no samples"):
        ecdf({"a": []}, title="t", x_label="x")


SAMPLES = st.lists(st.integers(0, 10_000), min_size=1, max_size=200)


@given(SAMPLES, st.integers(1, 100))
def test_a_percentile_is_the_least_sample_that_so_many_do_not_exceed(
    samples: list[int], p: int
) -> None:
    """Nearest rank, by its definition."""
    (found,) = percentiles(samples, p)
    need = math.ceil(p * len(samples) / 100)
    expected = min(x for x in samples if sum(y <= x for y in samples) >= need)
    assert expected == found


@pytest.mark.slow
@given(SAMPLES)
def test_the_median_of_an_odd_number_is_the_middle(samples: list[int]) -> None:
    """p50 agrees with the statistics module where that picks a sample."""
    samples = samples if len(samples) % 2 else samples[:-1] or [0, *samples][:1]
    assert statistics.median(samples) == percentiles(samples, 50)[0]


@pytest.mark.parametrize(
    ("samples", "of", "message"),
    [([], (), "no percentiles of no samples"), ([1.0], (101,), "from 0 to 100")],
)
def test_impossible_percentiles_are_refused(
    samples: list[float], of: tuple[float, ...], message: str
) -> None:
    """No sample, or a percentile beyond 100."""
    with pytest.raises(ValueError, match=message):
        percentiles(samples, *of)


def test_five_lines_have_five_markers_and_names_that_keep_apart() -> None:
    """Lines that end at the same number still have their own line of text."""
    figure = chart(
        {name: [(0, 1), (1, 2)] for name in "abcde"}, title="t", x_label="x",
        y_label="y", height=100,
    )  # fmt: skip
    assert [] == overlaps(figure)
    assert 3 == figure.svg.count('class="open bg"')  # the ring: two points, the name


def test_large_and_small_numbers_are_readable() -> None:
    """No exponent where a separator will do."""
    rows = chart(
        {"a": [(1_000_000, 12_345.6), (2_000_000, 0.25)]}, title="t", x_label="x",
        y_label="y", description="told",
    ).table.rows  # fmt: skip
    assert (("1,000,000", "12,346"), ("2,000,000", "0.25")) == rows
