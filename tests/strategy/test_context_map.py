"""A context map: each pattern where the code shows it, and only there."""

from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.strategy.context_map import Context, ContextMap, context_map

DOCKED = "stations.bike-docked"


def larkhaven() -> list[Context]:
    """The six contexts of the city, with what a day of them needs."""
    return [
        Context(
            "availability",
            "core",
            publishes=("availability.rebalancing-wanted", "availability.bike-reserved"),
            offers=("PUT /reservations/{rider_id}", "DELETE /reservations/{rider_id}"),
            reads={
                DOCKED: "city.availability.acl.docked",
                "stations.bike-undocked": "city.availability.acl.undocked",
                "fleet.bike-reported-faulty": "city.availability.acl.reported",
            },
        ),
        Context(
            "rides",
            "supporting",
            publishes=("rides.ride-started", "rides.ride-ended"),
            reads={DOCKED: "city.rides.acl.docked"},
            calls={
                "billing": ("PUT /authorizations/{ride_id}",),
                "availability": ("DELETE /reservations/{rider_id}",),
                "stations": ("POST /docks/{dock_id}/unlock",),
            },
            expects=("billing", "availability"),
        ),
        Context(
            "stations",
            "supporting",
            publishes=(DOCKED, "stations.bike-undocked"),
            offers=("POST /docks/{dock_id}/unlock",),
        ),
        Context(
            "fleet",
            "supporting",
            publishes=("fleet.bike-reported-faulty",),
            reads={"availability.rebalancing-wanted": "city.fleet.acl.wanted"},
        ),
        Context("riders", "supporting", publishes=("riders.pass-bought",)),
        Context(
            "billing",
            "generic",
            publishes=("billing.fare-charged",),
            offers=("PUT /authorizations/{ride_id}",),
            reads={
                "riders.pass-bought": "city.billing.model.PassBought",
                "rides.ride-ended": "city.billing.acl.ended",
            },
        ),
    ]


def text(*contexts: Context, platform: tuple[str, ...] = ()) -> list[str]:
    """Return a map's relationships as they print themselves."""
    return [repr(r) for r in context_map(contexts, platform=platform).relationships]


def stations(**more: object) -> Context:
    return replace(
        Context("stations", publishes=(DOCKED,), offers=("GET /docks",)), **more
    )  # type: ignore[arg-type] - facts by name


def reader(name: str, by: str = "elsewhere.docked", **more: object) -> Context:
    return replace(Context(name, reads={DOCKED: by}), **more)  # type: ignore[arg-type] - facts by name


def test_who_reads_an_event_is_downstream_of_who_publishes_it() -> None:
    assert ["stations [U]->[D] rides"] == text(reader("rides"), stations())


def test_who_calls_an_operation_is_downstream_of_who_offers_it() -> None:
    caller = Context("rides", calls={"stations": ("GET /docks",)})
    assert ["stations [U]->[D] rides"] == text(caller, stations())


def test_what_nobody_uses_ties_nothing() -> None:
    """An offer, an event and an empty list of calls are no relationship yet."""
    idle = Context("rides", calls={"stations": ()})
    assert [] == text(stations(), idle)


def test_what_a_context_uses_of_its_own_ties_nothing() -> None:
    own = reader("stations", publishes=(DOCKED,), offers=("GET /docks",))
    assert [] == text(replace(own, calls={"stations": ("GET /docks",)}))


@pytest.mark.parametrize(
    ("by", "sign"),
    [
        ("city.rides.acl.docked", "ACL"),
        ("city.rides.acl.vendor.docked", "ACL"),
        ("city.rides.acl.Docked", "ACL"),
        ("city.rides.model.acl.Docked", "ACL"),
        ("city.rides.model.Docked", "CF"),
        ("city.rides.model.docks.Docked", "CF"),
        ("city.rides.model.docked", ""),
        ("city.rides.service.Docked", ""),
        ("city.rides.service.acl", ""),
        ("city.rides.service.model", ""),
        # a border and a model, but another's
        ("city.fleet.acl.docked", ""),
        ("city.fleet.model.Docked", ""),
        ("city.rides_too.acl.docked", ""),
    ],
)
def test_how_words_are_taken_shows_in_where_they_are_read(by: str, sign: str) -> None:
    """Translated in `acl`, as they are by a class of `model`, in both its own."""
    rides = reader("rides", by, package="city.rides")
    assert sign == rides.takes(DOCKED)
    [found] = context_map([stations(), rides]).relationships
    assert ({sign: by} if sign else {}) == found.patterns


def test_a_context_may_be_called_like_a_border() -> None:
    """The package's own name is not one of its modules."""
    assert not reader("acl", "city.acl.service.f", package="city.acl").takes(DOCKED)
    assert "CF" == reader("acl", "city.acl.model.F", package="city.acl").takes(DOCKED)


def test_a_context_may_translate_one_event_and_take_another_as_it_is() -> None:
    up = Context("up", publishes=("up.a", "up.b", "up.c"))
    reads = {"up.b": "down.model.B", "up.a": "down.acl.a", "up.c": "down.acl.c"}
    [found] = context_map([up, Context("down", reads=reads)]).relationships
    assert {"ACL": "down.acl.a, down.acl.c", "CF": "down.model.B"} == found.patterns
    assert "up [U]->[D,ACL,CF] down" == repr(found)


def test_what_two_use_is_an_open_host_with_a_published_language() -> None:
    """Whether they read or call; with one user of each it is neither."""
    docks = {"stations": ("GET /docks",)}
    fleet, riders = (Context(name, calls=docks) for name in ("fleet", "riders"))
    both = [reader("billing"), reader("rides")]
    found = context_map([stations(), *both, fleet, riders]).relationships
    read = {"OHS": "used by billing, rides", "PL": DOCKED}
    called = {"OHS": "used by fleet, riders", "PL": "GET /docks"}
    assert [read, called, called, read] == [each.patterns for each in found]
    each_its_own = text(stations(), reader("rides"), fleet)
    assert ["stations [U]->[D] fleet", "stations [U]->[D] rides"] == each_its_own


def test_two_contracts_used_by_one_context_are_no_open_host() -> None:
    both = reader("rides", calls={"stations": ("GET /docks",)})
    assert ["stations [U]->[D] rides"] == text(stations(), both)


def test_who_keeps_expectations_is_a_customer() -> None:
    found = context_map([stations(), reader("rides", expects=("stations",))])
    [customer] = found.relationships
    assert {"C/S": "rides keeps expectations of stations"} == customer.patterns
    assert "stations [U,S]->[D,C] rides" == repr(customer)


def test_two_that_are_downstream_of_each_other_are_partners() -> None:
    """Both ways are there, each with its own patterns."""
    fleet = reader("fleet", "fleet.acl.docked", publishes=("fleet.moved",))
    partner = stations(reads={"fleet.moved": "stations.service.moved"})
    expected = ["fleet [U,P]->[D,P] stations", "stations [U,P]->[D,P,ACL] fleet"]
    assert expected == text(partner, fleet)


def test_a_ring_of_three_is_no_partnership() -> None:
    a = Context("a", publishes=("a.x",), reads={"c.x": "a.f"})
    b = Context("b", publishes=("b.x",), reads={"a.x": "b.f"})
    c = Context("c", publishes=("c.x",), reads={"b.x": "c.f"})
    expected = ["a [U]->[D] b", "b [U]->[D] c", "c [U]->[D] a"]
    assert expected == text(a, b, c)


def test_a_module_that_two_import_is_a_shared_kernel() -> None:
    """It has a name and no direction."""
    a, b = (Context(name, imports=("city.bike", "city.money")) for name in "ab")
    [kernel] = context_map([a, b, Context("c", imports=("city.geo",))]).relationships
    assert {"SK": "both use city.bike, city.money"} == kernel.patterns
    assert "a [SK]<->[SK] b" == repr(kernel)


def test_a_kernel_of_three_ties_each_two() -> None:
    contexts = [Context(name, imports=("city.bike",)) for name in "abc"]
    expected = ["a [SK]<->[SK] b", "a [SK]<->[SK] c", "b [SK]<->[SK] c"]
    assert expected == text(*contexts)


def test_the_platform_is_no_kernel() -> None:
    """A prefix ends at a dot."""
    names = ("shelf.world", "shelf.world.core", "shelf.worlds")
    a, b = (Context(name, imports=names) for name in "ab")
    [kernel] = context_map([a, b], platform=["shelf.world"]).relationships
    assert {"SK": "both use shelf.worlds"} == kernel.patterns


def test_what_one_imports_from_the_other_is_shared_by_both() -> None:
    """An import across the border is not passed over in silence."""
    owner = Context("billing", package="city.billing")
    user = Context("rides", package="city.rides", imports=("city.billing.model",))
    other = Context("billings", package="city.billings")
    assert ["billing [SK]<->[SK] rides"] == text(owner, user, other)


def test_a_pair_may_share_a_kernel_and_a_contract() -> None:
    up = stations(imports=("city.bike",))
    down = reader("rides", "rides.acl.docked", imports=("city.bike",))
    expected = ["stations [U]->[D,ACL] rides", "stations [SK]<->[SK] rides"]
    assert expected == text(up, down)


def test_what_is_tied_by_nothing_goes_separate_ways() -> None:
    contexts = [stations(), reader("rides"), Context("riders", imports=("city.geo",))]
    found = context_map(contexts)
    assert (("stations", "riders"), ("rides", "riders")) == found.separate_ways
    assert "<ContextMap of 3: 1 related, 2 separate>" == repr(found)


def test_no_context_is_a_map_of_nothing() -> None:
    assert ContextMap((), ()) == context_map([])
    assert [] == context_map([]).table().rows


def test_the_table_says_of_each_pair_what_ties_it() -> None:
    kernel = [Context(name, imports=("city.bike",)) for name in ("fleet", "riders")]
    calls = {"stations": ("GET /docks",)}
    down = reader("rides", "rides.acl.docked", calls=calls, expects=("stations",))
    found = context_map([stations(), down, *kernel]).table()
    assert ("upstream", "downstream", "patterns", "through") == found.columns
    through = (
        "stations.bike-docked read by rides.acl.docked; GET /docks called;"
        " rides keeps expectations of stations"
    )
    expected = [
        ("stations", "rides", "C/S, ACL", through),
        ("↔ fleet", "↔ riders", "SK", "both use city.bike"),
        ("↔ stations", "↔ fleet", "separate ways", "nothing"),
    ]
    assert expected == found.rows[:3]
    assert 6 == len(found)


def test_larkhaven_is_the_map_that_its_facts_tell() -> None:
    found = context_map(larkhaven())
    expected = [
        "availability [U,P]->[D,P,ACL] fleet",
        "availability [U,S]->[D,C] rides",
        "billing [U,P,S]->[D,P,C] rides",
        "fleet [U,P]->[D,P,ACL] availability",
        "riders [U]->[D,CF] billing",
        "rides [U,P]->[D,P,ACL] billing",
        "stations [U,OHS,PL]->[D,ACL] availability",
        "stations [U,OHS,PL]->[D,ACL] rides",
    ]
    assert expected == [repr(each) for each in found.relationships]
    assert ("stations", "riders") in found.separate_ways
    assert 9 == len(found.separate_ways)


@pytest.mark.parametrize(
    ("contexts", "message"),
    [
        ([reader("rides")], f"rides reads {DOCKED}, which nobody publishes"),
        (
            [stations(), Context("rides", calls={"stations": ("GET /bikes",)})],
            "rides calls GET /bikes, not offered by stations",
        ),
        (
            [Context("rides", calls={"nobody": ("GET /docks",)})],
            "rides calls GET /docks, not offered by nobody",
        ),
        (
            [stations(), Context("rides", expects=("stations",))],
            "rides expects of stations what it never uses",
        ),
        ([stations(), stations()], "there is more than one context called stations"),
        (
            [stations(), Context("docks", publishes=(DOCKED,))],
            f"there is more than one publisher of {DOCKED}",
        ),
    ],
)
def test_facts_that_do_not_fit_together_are_refused(
    contexts: list[Context], message: str
) -> None:
    """The error names who, and what."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        context_map(contexts)


NAMES = st.integers(2, 6).map(lambda count: "abcdef"[:count])


@st.composite
def systems(draw: st.DrawFn) -> list[Context]:
    """Contexts that use any of what the others publish, offer and import."""
    names = draw(NAMES)
    contexts = []
    for name in names:
        others = st.lists(st.sampled_from(names), unique=True, max_size=3)
        places = st.sampled_from(("acl.f", "model.F", "service.f"))
        reads = {f"{up}.happened": f"city.{name}.{draw(places)}" for up in draw(others)}
        calls = dict.fromkeys(draw(others), ("GET /it",))
        read = {event.partition(".")[0] for event in reads}
        used = [up for up in names if up != name and up in read | set(calls)]
        contexts.append(
            Context(
                name,
                package=f"city.{name}",
                publishes=(f"{name}.happened",),
                offers=("GET /it",),
                reads=reads,
                calls=calls,
                expects=tuple(used[: draw(st.integers(0, 2))]),
                imports=tuple(draw(st.sets(st.sampled_from(("city.k", "city.l"))))),
            )
        )
    return contexts


@given(systems())
def test_each_pair_is_tied_or_goes_separate_ways(contexts: list[Context]) -> None:
    """And each direction of a pair is listed at most once."""
    found = context_map(contexts)
    tied = [frozenset((r.upstream, r.downstream)) for r in found.relationships]
    apart = [frozenset(pair) for pair in found.separate_ways]
    names = [context.name for context in contexts]
    assert not set(tied) & set(apart)
    assert {frozenset(p) for p in combinations(names, 2)} == set(tied) | set(apart)
    ways = [(r.upstream, r.downstream, bool(r.through)) for r in found.relationships]
    assert len(set(ways)) == len(ways)


@given(systems(), st.randoms())
def test_the_order_of_the_facts_does_not_matter(
    contexts: list[Context], dice: Random
) -> None:
    """But for which of the two a shared kernel names first."""
    shuffled = list(contexts)
    dice.shuffle(shuffled)

    def reported(facts: list[Context]) -> list[tuple[list[str], list[tuple[str, str]]]]:
        found = context_map(facts).relationships
        directed = [
            ([r.upstream, r.downstream], sorted(r.patterns.items()))
            for r in found
            if r.through
        ]
        kernels = [
            (sorted((r.upstream, r.downstream)), sorted(r.patterns.items()))
            for r in found
            if not r.through
        ]
        return directed + sorted(kernels)

    assert reported(contexts) == reported(shuffled)


@given(systems())
def test_every_pattern_follows_from_its_own_facts(contexts: list[Context]) -> None:
    """Each rule once more, asked of the facts one by one."""
    known = {context.name: context for context in contexts}

    def uses(down: str, up: str) -> bool:
        facts = known[down]
        return up != down and (up in facts.calls or f"{up}.happened" in facts.reads)

    for each in context_map(contexts).relationships:
        up, down = each.upstream, each.downstream
        facts = known[down]
        if not each.through:
            assert set(known[up].imports) & set(facts.imports)
            continue
        read_by = facts.reads.get(f"{up}.happened", "")
        event = f"{up}.happened"
        readers = sum(event in c.reads for c in contexts if c.name != up)
        callers = sum(up in c.calls for c in contexts if c.name != up)
        shared = (event in facts.reads and readers > 1) or (
            up in facts.calls and callers > 1
        )
        expected = {
            "P": uses(up, down),
            "C/S": up in facts.expects,
            "OHS": shared,
            "PL": shared,
            "ACL": ".acl." in read_by,
            "CF": ".model." in read_by,
        }
        assert uses(down, up)
        assert {sign for sign, holds in expected.items() if holds} == set(each.patterns)
