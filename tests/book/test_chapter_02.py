"""Chapter 02 says nothing that its own runs do not show."""

from __future__ import annotations

import pytest

from tests.book.chapters import Names
from tests.book.chapters import page as page_of


def ran(name: str) -> Names:
    return page_of(f"02-words-and-borders/{name}").run()


@pytest.mark.slow
def test_the_workshop_breaks_rentals_promise_and_availability_says_so() -> None:
    page = ran("1-one-word")
    promised, at_the_dock = page["one_flag"].result
    assert "bike 212 is yours for ten minutes" == promised
    assert "bike 212 is not available" == at_the_dock
    heard, another, state = page["run"].result
    assert "broken" == heard[0]
    assert another
    assert "underway" == state


@pytest.mark.slow
def test_six_contexts_give_six_different_columns() -> None:
    page = ran("1-one-word")
    table = page["simulate"](page["ask_all"], seed=page["SEED"]).result
    columns = list(zip(*table.rows, strict=True))[1:]
    assert 6 == len(columns) == len(set(columns))
    back = dict(zip(table.columns, table.rows[3], strict=True))
    asked = ("availability", "stations", "rides", "fleet")
    assert ["stations", "rides"] == [name for name in asked if back[name] == "yes"]


@pytest.mark.slow
def test_the_cut_by_time_gives_bob_the_bike_that_ada_rides() -> None:
    page = ran("2-finding-the-borders")
    assert "bike 212 is yours" == page["torn"].result
    assert {"detail": "bike 212 is collected"} == page["kept"].result
    assert {"availability"} == set(page["home"].values())


@pytest.mark.slow
def test_only_the_sorting_by_rules_and_words_holds() -> None:
    costs = ran("2-finding-the-borders")["costs"]
    assert ["by rules and words"] == [how for how, each in costs.items() if each.holds]
    together = costs["one context for everything"]
    assert {"available", "rider"} == {clash.word for clash in together.clashes}
    assert not together.torn


@pytest.mark.slow
def test_nobody_misses_billing_and_riders_miss_promises() -> None:
    hours = ran("2-finding-the-borders")["hours"]
    as_it_is, bought, shown = (run.result.requests for run in hours.values())
    assert as_it_is["ridden"] == bought["ridden"]
    assert 0 == as_it_is["refused at the dock"]
    assert shown["refused at the dock"] > 0


@pytest.mark.slow
def test_the_renamed_field_is_found_before_and_stops_every_ride_after() -> None:
    page = ran("3-who-depends-on-whom")
    assert {"today's": True, "tidied": False, "both names": True} == page["checked"]
    assert [200, 503, 200] == [status for status, _ in page["mornings"].values()]
    assert 3 == len(page["expectations"]()["rides-billing"]["expects"])


@pytest.mark.slow
def test_a_change_forces_those_who_read_the_field() -> None:
    page = ran("3-who-depends-on-whom")
    docked, forced = page["docked"], page["forced"]
    assert "availability" == forced(docked, "removed", "dock_id")
    assert "availability, rides" == forced(docked, "removed", "bike_id")
    assert "nobody" == forced(docked, "added", "weather")
    assert ["nothing", "a fare"] == [charged for _, charged in page["rows"]]


@pytest.mark.slow
def test_the_map_has_the_relationships_that_the_text_names() -> None:
    found = ran("3-who-depends-on-whom")["larkhaven_map"]().relationships
    mutual = {(r.upstream, r.downstream) for r in found if "P" in r.patterns}
    assert {
        *(("rides", "billing"), ("billing", "rides")),
        *(("fleet", "availability"), ("availability", "fleet")),
    } == mutual
    [conforms] = [r for r in found if "CF" in r.patterns]
    assert ("riders", "billing") == (conforms.upstream, conforms.downstream)
    both = [r for r in found if {r.upstream, r.downstream} == {"fleet", "availability"}]
    assert all("ACL" in each.patterns for each in both)


@pytest.mark.slow
def test_the_second_version_changes_nothing_behind_the_border() -> None:
    page = ran("4-at-the-border")
    assert ["B0001, B0002", "no bike"] == [*map(page["shown"], page["directly"])]
    assert ["B0001, B0002"] * 2 == [*map(page["shown"], page["translated"])]
    assert {202} == {
        m.status
        for m in page["directly"][1].messages
        if (m.source, m.kind) == ("display", "reply") and "docklink" in m.label
    }
    old, new = page["events"]
    assert old == new
    assert len(old) > 500


@pytest.mark.slow
def test_one_deployable_keeps_the_limit_that_six_services_miss() -> None:
    page = ran("5-six-services-or-one")
    six, one = (page["starts"](page[name]) for name in ("six", "one"))
    assert len(six) == len(one) == page["RIDES"]
    assert sum(each > page["LIMIT"] for each in six) > len(six) / 2
    assert page["glued"]["late"] < 3
    assert max(one) < sorted(six)[len(six) // 2]
    assert 3 < page["glued"]["six_messages"] / page["glued"]["one_messages"] < 5
