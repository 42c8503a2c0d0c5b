"""Chapter 02 says nothing that its own runs do not show."""

from __future__ import annotations

import pytest

from tests.book.chapters import Names
from tests.book.chapters import page as page_of

PAGE = page_of("02-words-and-borders/index")


@pytest.fixture(scope="module")
def page() -> Names:
    return PAGE.run()


@pytest.mark.slow
def test_only_the_workshops_change_breaks_the_promise(page: Names) -> None:
    """Rental's and docks' code is the same in both runs."""
    assert ("bike 212 is yours for ten minutes", "bike 212 is out") == page[
        "before"
    ].result
    promised, unlocked = page["after"].result
    assert "bike 212 is yours for ten minutes" == promised
    assert {"detail": "bike 212 is not available"} == unlocked


@pytest.mark.slow
def test_six_contexts_give_six_different_columns(page: Names) -> None:
    table = page["simulate"](page["ask_all"], seed=page["SEED"]).result
    columns = list(zip(*table.rows, strict=True))[1:]
    assert 6 == len(columns) == len(set(columns))
    back = dict(zip(table.columns, table.rows[3], strict=True))
    available = {name for name in ("availability", "stations", "rides", "fleet")
                if back[name] == "yes"}  # fmt: skip
    assert {"stations", "rides"} == available


@pytest.mark.slow
def test_ada_learns_that_her_promise_is_broken_and_has_another(page: Names) -> None:
    again = page["simulate"](page["another_monday"], seed=page["SEED"]).result
    assert (["broken"], True) == again


@pytest.mark.slow
def test_two_words_clash_and_rules_tear_as_the_text_says(page: Names) -> None:
    costs = page["costs"]
    together, alone, built = costs.values()
    assert {"available", "rider"} == {clash.word for clash in together.clashes}
    assert not together.torn
    assert not alone.clashes
    assert alone.torn
    assert built.holds
    moved = {**page["as_built"](), "BikesMoved": "availability"}
    cheaper = page["WALL"].evaluate(moved)
    assert cheaper.holds
    assert 1 == len(built.processes) - len(cheaper.processes)


@pytest.mark.slow
def test_nobody_misses_billing_and_riders_miss_promises(page: Names) -> None:
    as_it_is, bought, first_come = (run.result for run in page["hours"].values())
    assert as_it_is.requests["ridden"] == bought.requests["ridden"]
    assert 0 == as_it_is.requests["refused at the dock"]
    assert first_come.requests["refused at the dock"] > 10
    assert 0 == page["glued"]["charged"]


@pytest.mark.slow
def test_the_map_has_the_patterns_that_the_text_shows(page: Names) -> None:
    found = page["found"]
    patterns = {p for each in found.relationships for p in each.patterns}
    assert {"P", "C/S", "OHS", "PL", "ACL", "CF"} == patterns
    upstream = {r.upstream for r in found.relationships if r.downstream == "rides"}
    assert {"availability", "billing", "stations"} == upstream
    upstream = {
        r.upstream for r in found.relationships if r.downstream == "availability"
    }
    assert {"fleet", "riders", "stations"} == upstream
    assert [] == [r for r in found.relationships if r.downstream == "riders"]
    [kernel, *_] = page["context_map"](page["teams"]).relationships
    assert ["SK"] == list(kernel.patterns)


@pytest.mark.slow
def test_the_supplier_that_renamed_a_field_is_found_out(page: Names) -> None:
    kept = {
        factory.__name__: page["simulate"](
            page["partial"](page["keeps"], billing=factory), seed=1
        ).result
        for factory in (page["billing"], page["renamed_billing"])
    }
    assert {"billing": True, "renamed_billing": False} == kept
    assert 3 == len(page["expectations"]()["rides-billing"]["expects"])


@pytest.mark.slow
def test_the_files_that_know_the_vendors_words_are_the_border_alone(
    page: Names,
) -> None:
    knowing = [
        file.name for file in page["files"] if page["said_so"].search(file.read_text())
    ]
    assert ["acl.py"] == knowing


@pytest.mark.slow
def test_the_vendors_second_version_changes_nothing_behind_the_border(
    page: Names,
) -> None:
    first, second, [third] = map(page["translate"], page["messages"])
    assert first == second
    assert "fell" in third.why
    old, new = page["published"](page["old"]), page["published"](page["new"])
    assert old == new
    assert len(old) > 1000
    assert page["old"].result.requests["ridden"] > 0


@pytest.mark.slow
def test_one_deployable_sends_fewer_messages_and_starts_sooner(page: Names) -> None:
    glued = page["glued"]
    six, one = (run.result[0] for run in page["mornings"].values())
    assert six.requests["ridden"] == one.requests["ridden"] > 100
    assert glued["six_messages"] > 2 * glued["one_messages"]
    assert glued["six_p99"] > 2 * glued["one_p99"]
    six_starts = page["starts"](page["mornings"]["six services"])
    assert page["percentile"](six_starts, 10) > glued["one_p99"]
