"""The city's context map, from its own code; and facts that do not fit, by name."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from movingparts.city.contexts import PLATFORM, calls_of, facts, larkhaven_map, vendor
from movingparts.city.larkhaven import CONTEXTS
from movingparts.strategy.context_map import context_map

known = cache(facts)  # reading all of a context's code takes a moment
the_map = cache(larkhaven_map)

# Who is upstream, who is downstream, and all that the code shows of the two.
RELATED = {
    ("availability", "fleet"): {"P", "ACL"},
    ("availability", "rides"): {"C/S"},
    ("billing", "rides"): {"P", "C/S"},
    ("docklink", "stations"): {"ACL"},
    ("fleet", "availability"): {"P", "ACL"},
    ("riders", "availability"): {"ACL"},
    ("riders", "billing"): {"CF"},
    ("rides", "billing"): {"P", "OHS", "PL", "ACL"},
    ("rides", "fleet"): {"OHS", "PL", "ACL"},
    ("stations", "availability"): {"OHS", "PL", "ACL"},
    ("stations", "rides"): {"OHS", "PL", "ACL"},
}


def test_the_citys_relationships_are_what_its_code_shows() -> None:
    found = the_map().relationships
    assert RELATED == {(r.upstream, r.downstream): set(r.patterns) for r in found}


def test_each_pattern_of_the_book_is_in_the_city_but_the_shared_kernel() -> None:
    """Nothing is shared between contexts but contracts."""
    assert {"P", "C/S", "OHS", "PL", "ACL", "CF"} == set().union(*RELATED.values())


def test_contexts_without_a_relationship_go_separate_ways() -> None:
    pairs = {frozenset(pair) for pair in the_map().separate_ways}
    assert not pairs & {frozenset(pair) for pair in RELATED}
    assert len(pairs | {frozenset(pair) for pair in RELATED}) == 7 * 6 // 2
    assert frozenset(("stations", "riders")) in pairs


def test_what_billing_takes_as_it_is_is_a_class_of_its_own_model() -> None:
    """And its border translates the rest."""
    billing = known("billing")
    assert "CF" == billing.takes("riders.pass-bought")
    assert "ACL" == billing.takes("rides.ride-ended")


def test_a_context_without_subscriptions_has_no_border() -> None:
    riders = known("riders")
    assert ({}, {}, ()) == (riders.reads, riders.calls, riders.expects)


@pytest.mark.parametrize("name", CONTEXTS)
def test_no_context_imports_another(name: str) -> None:
    """Apart from the platform's modules, it imports only its own."""
    others = [m for m in known(name).imports if not m.startswith(PLATFORM)]
    assert [] == others


def test_of_the_vendor_only_its_messages_and_its_api_are_known() -> None:
    assert ("vendor", ("docklink.message",)) == (vendor().kind, vendor().publishes)
    assert "POST /hubs/{name}/open" in vendor().offers


# --- calls, read off from code ----------------------------------------------------


def called(tmp_path: Path, code: str) -> dict[str, tuple[str, ...]]:
    (tmp_path / "service.py").write_text(code, "utf-8")
    return calls_of(tmp_path)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (
            'client.put(f"http://billing/authorizations/{ride.ride_id}", json={})',
            {"billing": ("PUT /authorizations/{ride_id}",)},
        ),
        (
            'client.post(f"http://stations/stations/{quote(at, safe=str())}/unlocks")',
            {"stations": ("POST /stations/{station_id}/unlocks",)},
        ),
        ('client.get("http://fleet/bikes/B7")', {"fleet": ("GET /bikes/B7",)}),
        ('client.get(f"http://fleet/bikes/{a}/{b}")', {"fleet": ("GET /bikes/{}/{}",)}),
        ('client.patch("http://nobody/x")', {"nobody": ("PATCH /x",)}),
        ('client.get(f"http://{name}/bikes/7")', {"{}": ("GET /bikes/7",)}),
        ('client.get("http://fleet")', {"fleet": ("GET /",)}),
        ('client.get("https://elsewhere/x")', {}),
        ("client.get(address)", {}),
        ("client.get()", {}),
        ("client.get(7)", {}),
        ('get("http://fleet/bikes/7")', {}),
        ('client.fetch("http://fleet/bikes/7")', {}),
        ('"http://fleet/bikes/7"', {}),
    ],
)
def test_a_call_is_matched_with_the_operation_that_it_is_of(
    tmp_path: Path, code: str, found: dict[str, tuple[str, ...]]
) -> None:
    """Of the contract of the service; one that matches none is unchanged."""
    code = f"async def act():\n    {code}\n"
    assert found == called(tmp_path, code)


def test_calls_are_found_once_in_every_file_and_in_order_of_whom(
    tmp_path: Path,
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    code = 'client.get(f"http://{}/bikes/{{b}}")\n'
    (inner / "deep.py").write_text(code.format("rides"), "utf-8")
    both = code.format("stations") + code.format("rides")
    expected = {
        "rides": ("GET /bikes/{bike_id}",),
        "stations": ("GET /bikes/{bike_id}",),
    }
    assert expected == called(tmp_path, both)
    assert list(expected) == list(called(tmp_path, both))


# --- facts that do not fit --------------------------------------------------------


def test_a_call_of_what_is_not_offered_is_named(tmp_path: Path) -> None:
    """As when a supplier renames an operation, and its customer does not."""
    wrong = called(tmp_path, 'client.post("http://billing/charges")')
    contexts = [known(name) for name in CONTEXTS if name != "rides"]
    rides = replace(known("rides"), calls=wrong, expects=())
    with pytest.raises(
        ValueError, match="rides calls POST /charges, not offered by bil"
    ):
        context_map([*contexts, rides, vendor()], platform=PLATFORM)


def test_an_event_that_nobody_publishes_any_more_is_named() -> None:
    contexts = [known(name) for name in CONTEXTS if name != "riders"]
    with pytest.raises(
        ValueError, match=r"reads riders\.standing-changed, which nobody"
    ):
        context_map([*contexts, vendor()], platform=PLATFORM)
