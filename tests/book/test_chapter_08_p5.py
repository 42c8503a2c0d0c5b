"""Page 5 of chapter 08 says nothing that its own runs do not bear out."""

import pytest

from movingparts.scenes.ch08.gone import ASKED, TOWN_HALL
from movingparts.scenes.ch08.on_library import compare
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("08-the-log-is-the-truth/5-the-view-that-outlives-its-source").run()


def test_without_a_sidecar_nobody_answers_about_now_or_the_past(run: Names) -> None:
    answers = run["alone"].result.answers
    assert [{}, {}] == [answers["08:45", "08:45"], answers["08:45", "08:17"]]
    assert answers["08:28", "08:17"] == answers["09:08", "08:17"]


def test_with_a_sidecar_only_the_answer_about_now_is_old(run: Names) -> None:
    answers = run["beside"].result.answers
    past = [answers[asked, "08:17"] for asked in ASKED]
    assert {True} == {each["final"] for each in past}
    assert {run["alone"].result.answers["08:28", "08:17"]["bikes"]} == {
        each["bikes"] for each in past
    }
    now = answers["08:45", "08:45"]
    assert ("08:29", False) == (now["as_of"][:5], now["final"])
    assert now["bikes"] != run["count_bikes"](run["events"], TOWN_HALL, "08:45:00")


def test_every_final_answer_is_what_the_whole_log_says(run: Names) -> None:
    asked = [
        (at, answer)
        for (_, at), answer in run["beside"].result.answers.items()
        if answer
    ]
    final = [(at, answer["bikes"]) for at, answer in asked if answer["final"]]
    right = [
        run["count_bikes"](run["events"], TOWN_HALL, f"{at}:00") for at, _ in final
    ]
    assert right == [bikes for _, bikes in final]
    assert len(final) > len(asked) / 2


def test_it_catches_up_when_its_source_is_back(run: Names) -> None:
    last = run["beside"].result.answers["09:08", "09:08"]
    assert "09:04" <= last["as_of"] < "09:05"
    as_of = run["count_bikes"](run["events"], TOWN_HALL, last["as_of"])
    assert as_of == last["bikes"]


def test_the_copy_is_the_log_up_to_where_it_ends(run: Names) -> None:
    copied = run["beside"].result.copied
    assert copied == run["events"][: len(copied)]


def test_a_renamed_event_is_missed_unless_another_is_published(run: Names) -> None:
    before, after = run["events"], run["renamed"]
    assert run["arrivals"](after) < run["arrivals"](before) * 0.8
    assert [*run["published"](before)] == [*run["published"](after)]
    assert run["arrivals"](before) == [*run["published"](after)].count(
        ("BikeArrived", TOWN_HALL)
    )


def test_the_library_does_what_ours_does() -> None:
    _, ours, theirs = zip(*compare().rows, strict=True)
    assert ours == theirs
    expected = ("refused", "the first wins", "done", "refused", "charged, 340 cents")
    assert expected == ours
