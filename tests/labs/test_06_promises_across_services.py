"""Lab 06: what its text says of its outputs, and what of it needs sockets."""

import re

from tests.labs.labs import local_cells, read, texts

LAB = "06-promises-across-services"
SOCKETS = re.compile(
    r"^(real-open|kill-|outbox-proof|billing-|broker-(kill|again)|close)"
)


def test_only_what_is_real_needs_sockets():
    code = [cell.id for cell in read(LAB).cells if cell.cell_type == "code"]
    assert {key for key in code if SOCKETS.match(key)} == local_cells(read(LAB))


def test_a_key_fixes_the_crashes_and_a_saga_the_refusals_too():
    text = texts(read(LAB))
    plain, keyed, saga = (last(text[key]) for key in ("sweep", "keyed", "saga"))
    assert [0, 0, 0, 1, 1, 1, 1, 1] == plain
    assert [0, 0, 0, 0, 0, 0, 1, 1] == keyed
    assert [0] * 8 == saga
    assert re.search(r"jammed +0 +3 +0 +0$", text["saga"])


def test_a_crash_right_after_a_commit_breaks_what_keeps_no_progress_only():
    plain, saga = last(texts(read(LAB))["everywhere"])
    assert plain > 0 == saga
    assert texts(read(LAB))["seeds-run"].startswith("('0 of ")


def test_a_limit_can_be_too_short_and_too_long():
    text = texts(read(LAB))
    rows = [
        [int(each) for each in re.findall(r"(\d+)(?=  | €|$)", line)]
        for line in text["judge-which"].splitlines()[1:]
    ]
    late, undone, stuck, cost = zip(*(row[-4:] for row in rows), strict=True)
    assert sorted(late[:4]) == [*late[:4]]
    assert sorted(undone[:4], reverse=True) == [*undone[:4]]
    assert sorted(stuck[:4], reverse=True) == [*stuck[:4]]
    assert cost[4] < cost[1] < min(cost[0], cost[2], cost[3])
    assert (stuck[4] < stuck[1], late[4] > late[1]) == (True, True)


def test_what_it_shows_of_the_real_world_are_invariants():
    text = texts(read(LAB))
    assert 3 == text["kill-rides"].count("yes")
    for key, count in (("kill-proof", 15), ("billing-kill", 22), ("broker-again", 27)):
        assert [f"{count} of {count}"] * 2 == re.findall(r"\d+ of \d+", text[key])
        assert [0] == last(text[key])[2:]
    assert re.search(r"committed +1 +0 +1 +1\n", text["outbox-proof"])
    assert re.search(r"published +1 +1 +2 +1$", text["outbox-proof"])
    assert "(4, 0, <Broker down>)" == text["broker-kill"]


def last(table):
    """Return the last number of each row."""
    return [int(each) for each in re.findall(r"(\d+)$", table, re.MULTILINE)]
