"""Knob figures: a grid of settings, its default, its table, its data."""

import json
import re

import pytest

from movingparts.draw import Dial, Figure, chart, knob, sequence
from tests.draw.recordings import digests, fan_out


def line(n: float, unit: str = "ms") -> Figure:
    return chart(
        {"latency": [(0, 0), (1, n)]}, title=f"It takes {n:g} {unit}", x_label="x",
        y_label=f"latency ({unit})", y_top=10,
    )  # fmt: skip


def asked(limit: int) -> Figure:
    return sequence(fan_out(), limit=limit, title=f"{limit} messages")


NAME = re.compile(r"mp-[0-9a-f]{10}")
STYLE = re.compile(r"<style>.*?</style>\n?", re.DOTALL)
SIZES = Dial("size <b>", (1, 2.5, 10), unit="kB", start=2.5)
UNITS = Dial("unit", ("ms", "s"))


def test_the_figure_at_the_start_stands_in_the_page() -> None:
    """Before anybody turns a knob, and without JavaScript, one setting is shown."""
    made = knob(line, n=SIZES)
    assert "It takes 2.5 ms" == made.shown.title
    assert made.html().startswith("<moving-parts-knob>" + made.shown.html())


def test_the_table_holds_every_setting_and_what_it_shows() -> None:
    """The last dial turns fastest; values have their units."""
    rows = knob(line, n=SIZES, unit=UNITS).findings().rows
    assert 6 == len(rows)
    assert ("1 kB", "ms", "It takes 1 ms") == rows[0]
    assert ("10 kB", "s", "It takes 10 s") == rows[-1]


def test_numbers_slide_and_texts_are_chosen() -> None:
    """Each dial says how it is turned, and where it starts."""
    sizes, units = knob(line, n=SIZES, unit=UNITS).data()["dials"]
    assert ("slider", 1) == (sizes["kind"], sizes["start"])
    assert ("choice", ["ms", "s"]) == (units["kind"], units["values"])
    assert "slider" == Dial("at", ("08:00", "09:00"), ordered=True).data()["kind"]


def test_drawings_share_the_name_and_the_style_of_the_one_shown() -> None:
    """What repeats is not written again."""
    made = knob(line, n=SIZES)
    name = NAME.findall(made.shown.svg)[0]
    for variant in made.data()["variants"]:
        [svg] = variant["svgs"]
        assert {name} == {*NAME.findall(svg)}
        assert "<style>" not in svg


def test_a_drawing_for_phones_changes_with_the_wide_one() -> None:
    """Each is as its figure has it, under the name of the one that is shown."""
    made = knob(asked, limit=Dial("messages", (4, 16)))
    shown = [NAME.findall(svg) for svg in (made.shown.svg, made.shown.narrow)]
    assert shown[0][0] != shown[1][0]
    for figure, variant in zip(
        made.figures.values(), made.data()["variants"], strict=True
    ):
        for svg, kept, (name, *_) in zip(
            (figure.svg, figure.narrow), variant["svgs"], shown, strict=True
        ):
            assert {name} == {*NAME.findall(kept)}
            assert STYLE.sub("", NAME.sub(name, svg)) == STYLE.sub("", kept)


def test_the_data_reads_back_and_cannot_end_its_script() -> None:
    """A label that holds markup is text, in the table and in the data."""
    dial = Dial("</script><script>alert(1)</script>", (1, 2))
    html = knob(line, n=dial).html()
    assert 1 == html.count("<script")
    assert 1 == html.count("</script")
    found = html.partition('"application/json">')[2].partition("</script>")[0]
    assert dial.label == json.loads(found)["dials"][0]["label"]


DIGEST = """
import hashlib
from tests.draw.test_knob import SIZES, UNITS, knob, line
text = knob(line, n=SIZES, unit=UNITS).html()
print(hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_grid_gives_the_same_bytes_in_every_run() -> None:
    """Hash seeds change the order of sets; neither figures nor data notice."""
    assert 1 == len(digests(DIGEST))


@pytest.mark.parametrize(
    ("dials", "message"),
    [
        ({}, "one to three dials, got 0"),
        (dict.fromkeys("abcd", SIZES), "one to three dials, got 4"),
        ({"n": Dial("n", ())}, "'n' has no values"),
        ({"n": Dial("n", (1, 2, 1.0))}, "'n' has a value twice: '1'"),
        ({"n": Dial("n", (1, float("nan")))}, "'n' has a value that is not finite"),
        ({"n": Dial("n", (1, 2), start=3)}, "'n' starts at no value of its own"),
        ({"n": Dial("n", range(121))}, "at most 120 settings, got 121"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(dials: dict[str, Dial], message: str) -> None:
    """The error says which dial is wrong and why, before anything is computed."""
    with pytest.raises(ValueError, match=message):
        knob(line, **dials)


def test_a_function_that_draws_nothing_is_refused() -> None:
    """The error names what came back and for which setting."""
    with pytest.raises(TypeError, match=r"got str for \{'n': 1\}"):
        knob(lambda n: "a figure", n=Dial("n", (1,)))  # type: ignore[arg-type, return-value] - the mistake


def test_charts_with_one_top_share_their_axis() -> None:
    """With `y_top` the tick labels of a small and a large chart are the same."""
    ticks = [
        re.findall(r'anchor="end" class="quiet">([^<]*)<', line(n).svg) for n in (1, 9)
    ]
    assert ticks[0] == ticks[1]
    assert "10" in ticks[0]
