"""What page 5 of chapter 06 says of its runs."""

import os
from pathlib import Path
from typing import Any

import pytest

from movingparts.scenes.ch06.postgres import postgres
from tests.book.chapters import page


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    return page("06-promises-across-services/5-why-not-two-phase-commit").run()


def test_two_phases_leave_bob_without_an_answer_and_steps_do_not(names: Any) -> None:
    assert "no answer, after 10.00 s" == names["blocked"].result
    assert "B7 is taken, after 0.01 s" == names["committed"].result


def test_without_a_crash_two_phases_commit(names: Any) -> None:
    whole = names["one_bike"](names["two_phases"], crash=False)
    assert "B7 is taken, after 0.01 s" == whole.result


def test_only_somebody_who_ends_it_by_name_releases_the_lock(names: Any) -> None:
    assert [
        ("the vote for Ada", "gives up", "nobody", "1"),
        ("a restart", "gives up", "nobody", "1"),
        ("ROLLBACK PREPARED", "gets B7", "bob", "0"),
    ] == names["waits"]


def test_a_killed_saga_is_finished_and_no_step_is_done_twice(names: Any) -> None:
    for run in names["runs"]:
        assert {"killed": True, "asked": [1, 2, 1, 1], "done": [1, 1, 1, 1]} == run


def test_a_server_and_its_folder_are_gone_when_a_cell_fails() -> None:
    found: dict[str, Any] = {}

    def fail() -> None:
        with postgres() as server:
            found["folder"] = folder = Path(server.connect().info.host)
            found["pid"] = (folder / "data" / "postmaster.pid").read_text().split()[0]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not found["folder"].exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(found["pid"]), 0)


def test_a_ride_commits_as_often_as_its_services_do(names: Any) -> None:
    ends = {(each.process, each.commit) for each in names["points"]}
    last = dict(sorted(ends))
    assert sum(last.values()) == names["glued"]["commits"]
