"""Lab 04: what its text says of its outputs, and what of it needs sockets."""

import re
from itertools import pairwise

from tests.labs.labs import local_cells, read, texts

LAB = "04-the-front-door"
SOCKETS = re.compile(r"^(real-|kill|pause|express|door-down|close)")


def test_only_what_is_real_needs_sockets():
    code = [cell.id for cell in read(LAB).cells if cell.cell_type == "code"]
    assert {key for key in code if SOCKETS.match(key)} == local_cells(read(LAB))


def test_a_lost_message_costs_a_second_and_six_calls_lose_more_of_them():
    six, one = table("six-run"), table("one-run")
    assert [0, 0] == [rows[0]["asked again"] for rows in (six, one)]
    for each in six[1:]:
        assert 1000 < each["p99"] < 1500
        assert each["p50"] < 260
    again = [sum(row["asked again"] for row in rows) for rows in (six, one)]
    assert again[1] * 3 < again[0]


def test_an_old_app_gets_all_or_nothing_and_a_slow_part_is_worse_than_a_dead_one():
    dead, slow = table("ill-run")
    assert (80, 0, 20) == results(dead)
    assert (0, 0, 100) == results(slow)


def test_a_gateway_that_waits_as_long_as_its_caller_helps_against_dead_parts_alone():
    dead, slow = table("late-run")
    assert (80, 20, 0) == results(dead)
    assert (0, 0, 100) == results(slow)
    too_long, *others = [results(row) for row in table("less-run")[1:]]
    assert (0, 0, 100) == too_long
    assert [(0, 100, 0)] * 2 == others


def test_more_time_makes_more_screens_whole_and_slower():
    rows = table("patience-run")
    assert sorted(row["whole"] for row in rows) == [row["whole"] for row in rows]
    assert sorted(row["p99"] for row in rows) == [row["p99"] for row in rows]
    steps = [later["whole"] - row["whole"] for row, later in pairwise(rows)]
    assert min(steps) == steps[-1]


def test_a_required_part_takes_the_screen_with_it():
    assert [(80, 20, 0), (80, 0, 20)] == [*map(results, table("required-run"))]


def test_only_the_log_says_why():
    app, log = texts(read(LAB))["error"].splitlines()[1:]
    assert "app  riders is not available" == app.strip()
    assert "tap-1 http://riders/" in log


def test_old_apps_see_bikes_through_the_adapter():
    direct, adapter = table("v1-table")
    assert ("nothing", 6) == (direct["old app: bikes"], direct["new app: bikes"])
    assert (6, 6) == (adapter["old app: bikes"], adapter["new app: bikes"])


def test_without_losses_the_gateway_is_a_hop_and_without_it_there_is_nothing():
    rows = table("judge-table")
    hops = [row["gateway, p50"] - row["calls at once, p50"] for row in rows]
    assert all(0 < hop < 10 for hop in hops)
    found = [results(row) for row in table("judge-down")]
    assert [(80, 20, 0), (80, 20, 0), (100, 0, 0), (80, 0, 20)] == found


def test_what_it_shows_of_the_real_world_are_invariants():
    text = texts(read(LAB))
    assert "['up', 'up']" == text["real-open"]
    assert "{('weather',)}" == text["kill"]
    whole, part, none = ([10, 0, 0], [0, 10, 0], [0, 0, 10])
    expected = {
        "real-all": [whole],
        "pause-table": [part, [0, 3, 0], whole],
        "pause-wait": [[3]],
        "express": [[10]],
        "door-down-table": [none, whole, whole],
    }
    for key, counts in expected.items():
        lines = [
            re.findall(r"(\d+) of (10|3)", line) for line in text[key].splitlines()
        ]
        assert counts == [[int(n) for n, _ in line] for line in lines if line]


def results(row):
    """Return how many screens were whole, in part and none."""
    return row["whole"], row["in part"], row["none"]


def table(key):
    """Return each row of a table by its columns; a number's first digits are enough."""
    lines = [line.rstrip() for line in texts(read(LAB))[key].splitlines()]
    head, *rows = [re.split(r" {2,}", line.strip()) for line in lines]
    width = max(map(len, rows))
    columns = ["", *head[-(width - 1) :]]
    return [dict(zip(columns, map(number, row), strict=True)) for row in rows]


def number(text):
    found = re.match(r"[\d,.]+", text)
    return float(found[0].replace(",", "")) if found else text
