"""Lab 11: what its text says of its outputs, and what of it needs sockets."""

import re

from tests.labs.labs import local_cells, read, texts

LAB = "11-code-without-servers"
REAL = {
    *("real-open", "warm-real", "harm-run", "careless-real", "once"),
    *("poison", "poison-run", "close"),
}


def test_only_what_is_real_needs_sockets():
    assert REAL == local_cells(read(LAB))


def test_instances_come_and_go_with_the_commute():
    assert "at most 5; none in 110 minutes of the day" in texts(read(LAB))["up"]


def test_ending_instances_early_costs_the_platforms_customer_more():
    short, _, usual, long = rows = table("warm")
    assert 2880 / 2 * 0.95 < short["cold"] < 2880 / 2 * 1.05
    months = [float(row["a month"][1:]) for row in rows]
    assert sorted(months, reverse=True) == months
    assert short["wait, p99"] > usual["wait, p99"] > long["wait, p99"]


def test_a_limit_refuses_riders_and_a_reservation_is_also_a_maximum():
    assert [0, 10, 208] == [row["refused"] for row in table("limit")]
    none, one, two, three = table("reserve")
    assert none["refused"] < one["refused"]
    assert none["refused"] > two["refused"] > three["refused"] == 0
    assert two["slowest receipt"] < 10 < 50 < three["slowest receipt"]


def test_only_a_key_that_outlives_the_instance_charges_once():
    careless, remembers, keyed = map(table, ("careless-run", "remembers-run", "keyed"))
    assert careless == remembers
    assert [0, 6, 141] == [row["more than once"] for row in careless]
    assert [0, 0, 0] == [row["more than once"] for row in keyed]
    assert [0, 0, 3] == [row["never charged"] for row in keyed]
    assert [row["given up"] for row in careless] == [row["given up"] for row in keyed]
    assert 3 < careless[2]["given up"]


def test_a_whole_cpu_answers_sooner_and_costs_a_fourth_more_at_most():
    rows = table("widgets-set")
    for part, whole in zip(rows[::2], rows[1::2], strict=True):
        assert part["traffic"] == whole["traffic"]
        assert 2 < part["wait, p99"] / whole["wait, p99"] < 4
        costs = [float(row["a month"][1:]) for row in (part, whole)]
        assert 1 < costs[1] / costs[0] < 1.3
    assert max(row["most"] for row in rows) == rows[4]["most"]


def test_a_service_is_cheaper_where_much_comes_evenly():
    cheaper = {
        (row["rides a day"], row["traffic"]): row["cheaper"]
        for row in table("compare-run")
    }
    assert "service" == cheaper.pop((288_000, "steady"))
    assert {"function"} == {*cheaper.values()}
    assert re.match(
        r"'3\d,\d{3} receipts .* 4\d % of the day'", texts(read(LAB))["even"]
    )


def test_what_it_shows_of_the_real_world_are_invariants():
    text = texts(read(LAB))
    assert text["real-open"].startswith("(200, {'ride_id': ")
    assert (
        "([True, False, False, False], 1, 'cold is slower: True')"
        == (text["warm-real"])
    )
    states = {
        row["a function that"]: row["is reported as"] for row in table("harm-run")
    }
    assert ["error", "error", "timeout", "memory", "killed", "killed"] == [
        *states.values()
    ]
    assert {"ok"} == {row["fares is then"] for row in table("harm-run")}
    for key, count, more in (("careless-real", 100, 10), ("once", 200, 0)):
        (row,) = table(key)
        assert (count, more) == (row["charged"], row["more than once"])
        assert f"{count} of {count}" in text[key]
    assert "['error', 'error', 'error']" in text["poison-run"]
    assert "'9 of 9'" in text["poison-run"]


def table(key):
    """Return each row of a table by its columns; a number's first digits are enough."""
    head, *lines = [
        re.split(r" {2,}", line) for line in texts(read(LAB))[key].splitlines()
    ]
    columns = [name if name != "p99" else "wait, p99" for name in head]
    return [dict(zip(columns, map(_number, line), strict=True)) for line in lines]


def _number(text):
    found = re.match(r"[\d,.]+", text)
    return float(found[0].replace(",", "")) if found else text
