"""Lab 05: what its text says of its outputs, and what of it needs sockets."""

import re

from tests.labs.labs import local_cells, read, texts

LAB = "05-facts-on-a-bus"
SOCKETS = re.compile(
    r"^(real-open|kill-|broker-(kill|again)|full-open|(replay|full|cluster)-run|close)"
)


def test_only_what_is_real_needs_sockets():
    code = [cell.id for cell in read(LAB).cells if cell.cell_type == "code"]
    assert {key for key in code if SOCKETS.match(key)} == local_cells(read(LAB))


def test_each_ride_is_charged_once_by_what_remembers_and_by_nothing_else():
    text = texts(read(LAB))
    never, twice = columns(text["sweep"])
    assert [0] * 6 == never
    assert [0, 0, 1, 0] == [twice[0], *twice[3:]]
    assert min(twice[1:3]) > 0
    assert [[0] * 6] * 2 == columns(text["fixed"])


def test_no_number_of_workers_gets_below_the_floor_of_a_hot_station():
    text = texts(read(LAB))
    took = re.findall(r"([\d.]+) s", text["judge-measure"])
    floors = re.findall(r"([\d.]+) s  ", text["judge-fewest"])
    fastest = [float(each) for each in took[3::4]]
    assert all(s >= float(floor) for s, floor in zip(fastest, floors, strict=True))
    fewest = [line.split()[-1] for line in text["judge-fewest"].splitlines()[1:]]
    assert "more than 8" in text["judge-fewest"].splitlines()[-1]
    assert sorted(fewest) == fewest


def test_what_it_shows_of_the_real_world_are_invariants():
    text = texts(read(LAB))
    assert "(0, 0, 'dead')" == text["kill-commit"]
    assert "(1, 1, 'dead')" == text["kill-ack"]
    assert "('200 of 200 charged exactly once', 1, 1)" == text["broker-again"]
    assert "'50 rides, the first is ride-151'" == text["replay-run"]
    full = "('all 50 handled, in order: True', {'maximum messages exceeded'})"
    assert full == text["full-run"]
    found = "('0 lost', 'another one leads: True', 'longer at the kill: True')"
    assert found == text["cluster-run"]


def columns(table):
    """Return the numbers of each column of a table whose rows end in two numbers."""
    rows = re.findall(r"(\d+) +(\d+)$", table, re.MULTILINE)
    return [[int(each) for each in column] for column in zip(*rows, strict=True)]
