"""Lab 07: what its text says of its outputs, and what of it needs sockets."""

import re
from itertools import pairwise

from tests.labs.labs import local_cells, read, texts

LAB = "07-two-models"
SOCKETS = re.compile(
    r"^(real-open|write-|map-(down|kill|again)|early-kill|rebuild-|own-serve|own-status"
    r"|close)"
)


def test_only_what_is_real_needs_sockets():
    code = [cell.id for cell in read(LAB).cells if cell.cell_type == "code"]
    assert {key for key in code if SOCKETS.match(key)} == local_cells(read(LAB))


def test_maps_make_docks_wait_unless_they_have_a_model_of_their_own():
    text = texts(read(LAB))
    medians, tails, _ = zip(*waits(text["sweep"]), strict=True)
    assert max(medians[:2]) < 10 < 90 < min(tails)
    assert sorted(tails) == [*tails]
    assert tails[-1] > 3000
    assert {8} == {tail for _, tail, _ in waits(text["two"])}


def test_a_cache_helps_the_median_and_not_the_unlucky_dock():
    kept = waits(texts(read(LAB))["cache-run"])
    assert all(median < 10 for median, _, _ in kept)
    assert all(60 < longest < 110 for _, _, longest in kept)


def test_the_lag_is_anything_up_to_the_interval():
    rows = numbers(texts(read(LAB))["lag"])[1:]  # not the head
    for every, p50, _, p99, _ in rows:
        assert 0.4 * every * 1000 < p50 < 0.6 * every * 1000
        assert 0.95 * every * 1000 < p99 < every * 1000 + 10


def test_switch_last_makes_no_answer_worse_and_both_take_their_time():
    rows = numbers(texts(read(LAB))["beside-run"])
    _, off_first, took_first, off_last, took_last = zip(*rows, strict=True)
    assert all(a > 1.5 * b for a, b in zip(off_first, off_last, strict=True))
    for took in (took_first, took_last):
        assert all(1.5 < b / a < 2.5 for a, b in pairwise(took))


def test_the_second_model_pays_where_loading_is_dear():
    text = texts(read(LAB))
    cheap, middling, dear, two = text["judge-table"].splitlines()[1:]
    assert (0, 1, 2, 0) == tuple(
        line.count("falls behind") for line in (cheap, middling, dear, two)
    )
    assert max(numbers(cheap)[0][1:5]) < 15
    assert max(numbers(two)[0][:4]) < 15
    one, short, long, often, seldom = waits(text["judge-choose"])
    assert one[1] > 600 > 100 > short[1] >= long[1] > 5 * often[1]
    assert often[1] == seldom[1]


def test_what_it_shows_of_the_real_world_are_invariants():
    text = texts(read(LAB))
    assert ["10", "1", "9", "0"] == re.findall(
        r"  (\d+)(?: of \d+)?$", text["write-proof"], re.MULTILINE
    )
    proofs = ("write-again", 100), ("map-again", 200), ("rebuild-proof", 300)
    for key, count in proofs:
        assert [f"{count} of {count}"] * 2 == re.findall(r"\d+ of \d+", text[key])
        assert text[key].endswith(" 0")
    assert text["early-kill"].endswith(" 1")
    assert "'100 of 200 events are in the view'" == text["map-kill"]
    assert "[301, 300]" == text["rebuild-run"]
    assert text["own-serve"].startswith("[[], [")
    assert "('3.0', True, True)" == text["own-status"]


def waits(table):
    """Return the milliseconds of each row."""
    lines = table.splitlines()[1:]
    return [
        [int(ms.replace(",", "")) for ms in re.findall(r"([\d,]+) ms", line)]
        for line in lines
    ]


def numbers(table):
    """Return all numbers of each row that has any."""
    lines = [re.findall(r"\d+(?:\.\d+)?", line) for line in table.splitlines()]
    return [[float(each) for each in line] for line in lines if line]
