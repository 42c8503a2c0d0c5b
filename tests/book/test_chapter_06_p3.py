"""Page 3 of chapter 06 says nothing that its own runs do not bear out."""

import pytest

from movingparts.scenes.ch06.undoing import slow_network
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("06-promises-across-services/3-undoing-is-not-rolling-back").run()


def words(recording: object) -> list[str]:
    return [moment.text for moment in recording.moments]  # type: ignore[attr-defined]  # a recording


def test_an_undo_that_overtakes_its_step_leaves_a_bike_held(run: Names) -> None:
    ends = {"Ada": "undone", "Bob": "undone", "reserved": {"B1": "ride-ada"}}
    assert ends == run["broken"].result
    ends = {"Ada": "undone", "Bob": "done", "reserved": {"B1": "ride-bob"}}
    assert ends == run["fixed"].result
    assert "ride-ada is refused" == words(run["fixed"])[0]


def test_on_a_slow_network_only_remembered_undos_free_all_bikes(
    run: Names,
) -> None:
    acts = {"rides": 100, "seed": 2}
    kinds = (run["Forgetful"], run["Participant"])
    found = [slow_network(k, run["reserve"], run["give_back"], **acts) for k in kinds]
    assert found[0][0] == found[1][0] > found[0][1] > 10
    assert 0 == found[1][1]


def test_others_see_what_is_undone_later(run: Names) -> None:
    assert [{}, {"B1": "ride-ada"}, {}] == list(run["seen"].values())


def test_what_is_undone_depends_on_what_went_wrong(run: Names) -> None:
    ends = {name: run["start_ride"](run["steps"], name) for name in run["FAILURES"]}
    assert ["done", "undone", "undone", "undone", "stuck"] == [
        end.result.state for end in ends.values()
    ]
    back = ["the money is given back", "the bike is free"]
    undone = [[t for t in words(end) if t in back] for end in ends.values()]
    assert [[], back[1:], back, back, []] == undone


def test_a_person_lets_the_stuck_saga_go_on(run: Names) -> None:
    assert ("stuck", 2) == (run["stuck"].state, run["stuck"].step)
    assert ("done", 4) == (run["later"].state, run["later"].step)
