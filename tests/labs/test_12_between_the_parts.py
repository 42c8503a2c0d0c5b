"""Lab 12: what its text says of its outputs, and what of it needs sockets."""

import re
from itertools import pairwise

import pytest

from tests.labs.labs import local_cells, read, texts

LAB = "12-between-the-parts"
SOCKETS = re.compile(r"^(real-|close)")
SHARE, LATER, P50, P99, REQUESTS = range(5)  # the columns of most tables


def test_only_what_is_real_needs_sockets():
    code = [cell.id for cell in read(LAB).cells if cell.cell_type == "code"]
    assert {key for key in code if SOCKETS.match(key)} == local_cells(read(LAB))


def test_a_slow_copy_takes_a_third_of_the_riders_and_the_median_hides_it():
    equal, _, *slow = table("slow-run")
    assert all(66 <= row[SHARE] <= 70 and row[P50] < 140 for row in slow)
    assert 100 == equal[SHARE]


def test_three_tries_help_after_a_second_and_never_let_a_longer_spell_end():
    (once, thrice), *long = zip(*[iter(table("spell-run"))] * 2, strict=True)
    assert once[SHARE] < thrice[SHARE] == 100
    assert [(100, 0)] * 2 == [(one[LATER], three[LATER]) for one, three in long]


def test_a_partner_hurts_the_riders_from_ten_requests_a_second_on():
    shares = [row[SHARE] for row in table("partner-run")]
    assert 100 > shares[0] > 80 > 50 > shares[1] > shares[2]
    assert [0, 0] == [row[LATER] for row in table("partner-run")[1:]]


def test_to_count_requests_helps_with_a_slow_copy_and_hurts_with_a_dead_one():
    turns, least, two = [row[SHARE] for row in table("pick-run")]
    assert turns + 20 < two <= least
    turns, least, two = [row[SHARE] for row in table("dead-run")]
    assert max(least, two) + 10 < turns


def test_the_longer_the_lease_the_longer_riders_meet_a_dead_copy():
    shares = [row[SHARE] for row in table("list-run")]
    assert all(later < sooner < 100 for sooner, later in pairwise(shares))


def test_a_budget_or_breakers_end_the_storm_and_nothing_helps_in_the_spell():
    once, tries, *mended = table("storm-run")
    assert (100, 0) == (once[LATER], tries[LATER])
    assert all(row[LATER] == 100 and row[SHARE] <= once[SHARE] for row in mended)


def test_a_limit_that_leaves_room_is_better_for_both():
    assert [True, False, False, False] == [r[SHARE] < 100 for r in table("limit-run")]
    got = [row[0] for row in table("limit-partner")]
    assert got[1] > got[0]
    assert [*got[1:]] == sorted(got[1:], reverse=True)


def test_each_cure_needs_the_next_one():
    answered = table("judge-answered")
    turns, two, registry, tries, budget, breakers, limit = answered
    slow, dead, spell, partner = range(4)
    assert two[slow] > turns[slow]
    assert two[dead] < turns[dead] < registry[dead]
    assert min(tries[slow], tries[dead]) > 98
    assert tries[spell] < 20 < 70 < budget[spell]
    assert breakers[partner] < 50 < limit[partner] == 100
    slowest = [row[slow] for row in table("judge-slowest")]
    assert max(slowest[:3]) < 1000 < min(slowest[3:])


def test_sidecars_cost_milliseconds_and_do_the_same():
    without, off, on = table("mesh-run")
    assert 0 < off[P50] - without[P50] < 10
    assert (100, 100) == (off[SHARE], on[SHARE])
    assert on[REQUESTS] < off[REQUESTS]  # the limit refuses a few riders, too
    slow, dead, spell, partner = table("mesh-on")
    assert min(slow[SHARE], dead[SHARE], partner[SHARE], spell[LATER]) > 94


def test_a_small_budget_does_not_hide_faults_in_a_fifth_of_the_requests():
    text = texts(read(LAB))["faults-table"]
    found = [re.findall("holds|fails", line) for line in text.splitlines()[1:]]
    assert [["fails"] * 2, ["fails"] * 2, ["holds"] * 2] == found


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("real-open", ["30 of 30, by 3"]),
        ("real-copy", ["25 of 30, by 2", "30 of 30, by 2"]),
        ("real-retry", ["30 of 30, by 2"]),
        ("real-lease", ["30 of 30, by 2"] * 2),
        ("real-back", ["30 of 30, by 3"]),
        ("real-plane", ["30 of 30, by 3"]),
        ("real-both", ["30 of 30, by 2"]),
        ("real-again", ["30 of 30, by 2"]),
        ("real-sidecar", ["0 of 30, by 0"]),
        ("real-sidecar-back", ["30 of 30, by 2"]),
    ],
)
def test_what_it_shows_of_the_real_world_are_invariants(key, expected):
    assert expected == re.findall(r"\d+ of 30, by \d", texts(read(LAB))[key])


def table(key):
    """Return each row's numbers, without the first column."""
    _, *lines = texts(read(LAB))[key].splitlines()
    cells = [re.split(r" {2,}", line.strip())[1:] for line in lines]
    return [[_number(cell) for cell in row] for row in cells]


def _number(text):
    return int(re.match(r"[\d,]+", text)[0].replace(",", ""))
