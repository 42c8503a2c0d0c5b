"""A context map that nobody draws: how contexts relate, as code and contracts say.

Facts go in, one `Context` each: what it publishes and offers, what it reads and calls,
what its code imports. Relationships come out, each pattern with what proves it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from movingparts.core import Table

Names = Collection[str]
Pair = tuple[str, str]
Uses = Mapping[Pair, Mapping[str, str]]  # upstream and downstream: contract: how

# What a pattern puts at the upstream end, and what at the downstream end.
_UP = {"P": "P", "C/S": "S", "OHS": "OHS", "PL": "PL", "SK": "SK"}
_DOWN = {"P": "P", "C/S": "C", "ACL": "ACL", "CF": "CF", "SK": "SK"}


@dataclass(frozen=True, slots=True)
class Context:
    """What the code and the contracts of one bounded context say about it.

    `kind` is core, supporting or generic; `package` the dotted name of its code.
    `publishes` are event contracts, `offers` the operations of its API. `reads` maps
    an event contract to the dotted name of what reads it here, `calls` another context
    to the operations called there. `expects` are the contexts for which it keeps
    expectations that the supplier's tests run. `imports` are modules outside of its
    package that are no library's, as `imports_of` finds them.

    >>> rides = Context("rides", reads={"stations.bike-docked": "rides.acl.docked"})
    >>> rides.takes("stations.bike-docked")
    'ACL'
    """

    name: str
    kind: str = ""
    package: str = ""
    publishes: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expects: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    def takes(self, contract: str) -> str:
        """Return how a contract's words are taken: "ACL", "CF" or "" for neither.

        They are translated by the context's own module `acl`, or used unchanged by a
        class (a name with a capital) of its own `model`.
        """
        reader = self.reads.get(contract, "")
        *modules, name = reader.removeprefix(f"{self.package}.").split(".")
        if self.package and not _within(reader, self.package):
            return ""
        if "acl" in modules:
            return "ACL"
        return "CF" if "model" in modules and name[:1].isupper() else ""


@dataclass(frozen=True, slots=True)
class Relationship:
    """Two contexts, what ties them, and each pattern of it with its evidence.

    `through` maps a contract to how the downstream uses it; it is empty for a shared
    kernel, which has no direction.

    >>> Relationship("billing", "rides", {"PUT /charges/{ride_id}": "called"},
    ...              {"C/S": "rides keeps expectations of billing"})
    billing [U,S]->[D,C] rides
    """

    upstream: str
    downstream: str
    through: Mapping[str, str]
    patterns: Mapping[str, str]

    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the marks at the upstream end and at the downstream end."""
        up = [_UP[pattern] for pattern in self.patterns if pattern in _UP]
        down = [_DOWN[pattern] for pattern in self.patterns if pattern in _DOWN]
        return (("U", *up), ("D", *down)) if self.through else (tuple(up), tuple(down))

    def __repr__(self) -> str:
        up, down = (",".join(end) for end in self.ends())
        line = "->" if self.through else "<->"
        return f"{self.upstream} [{up}]{line}[{down}] {self.downstream}"


@dataclass(frozen=True, slots=True)
class ContextMap:
    """All contexts of a system, and every relationship between two of them.

    >>> stations = Context("stations", publishes=("stations.bike-docked",))
    >>> rides = Context("rides", reads={"stations.bike-docked": "rides.acl.docked"})
    >>> found = context_map([stations, rides])
    >>> found
    <ContextMap of 2: 1 related, 0 separate>
    >>> found.relationships
    (stations [U]->[D,ACL] rides,)
    """

    contexts: tuple[Context, ...]
    relationships: tuple[Relationship, ...]

    @property
    def separate_ways(self) -> tuple[Pair, ...]:
        """The pairs that neither a contract nor a module ties."""
        tied = {frozenset((r.upstream, r.downstream)) for r in self.relationships}
        pairs = combinations((context.name for context in self.contexts), 2)
        return tuple(pair for pair in pairs if frozenset(pair) not in tied)

    def table(self) -> Table:
        """Return a row for each relationship, and one for each pair without any."""
        rows: list[tuple[str, ...]] = []
        for each in self.relationships:
            through = [f"{name} {how}" for name, how in each.through.items()]
            through += [each.patterns[p] for p in ("C/S", "SK") if p in each.patterns]
            sign = "" if each.through else "↔ "
            pair = (f"{sign}{each.upstream}", f"{sign}{each.downstream}")
            rows.append((*pair, ", ".join(each.patterns), "; ".join(through)))
        for one, other in self.separate_ways:
            rows.append((f"↔ {one}", f"↔ {other}", "separate ways", "nothing"))
        return Table(("upstream", "downstream", "patterns", "through"), rows, None)

    def __repr__(self) -> str:
        tied, apart = len(self.relationships), len(self.separate_ways)
        return f"<ContextMap of {len(self.contexts)}: {tied} related, {apart} separate>"


def context_map(contexts: Sequence[Context], *, platform: Names = ()) -> ContextMap:
    """Derive how contexts relate from what each of them says.

    - *Downstream* is whoever reads an event or calls an operation, *upstream* whoever
      publishes or offers it.
    - P: each uses the other. That is mutual dependence; whether the two teams form a
      *partnership* and plan together, no code shows.
    - C/S: the downstream keeps expectations that the upstream's tests run, so it has
      a say there, as a *customer* of its *supplier*.
    - OHS, PL: two contexts or more use the same contract of the upstream. That shows
      an *open host service* and a *published language* in use; one reader is enough
      to have them.
    - ACL, CF: the downstream reads through an *anti-corruption layer*, or it is a
      *conformist*; `Context.takes` decides which.
    - SK: both use a module that is a *shared kernel*: no library's, in no package of
      the `platform`. It may be one's own that the other imports.
    - *Separate ways*: none of these.

    Of several patterns all are kept. Raises `ValueError` for facts that do not fit
    together: a contract that nobody publishes, or two do; an operation that is not
    offered; expectations of a context that is not used.

    Source: chapter 02; Evans 2003, chapter 14 (partnership: his DDD Reference, 2015);
    the letters are Context Mapper's, which writes a partnership without U and D, and
    refuses OHS, and CF, together with C/S. Leaves out: what no code shows, such as
    which team yields to which.
    """
    names = Counter(f"context called {each.name}" for each in contexts)
    names.update(f"publisher of {e}" for each in contexts for e in each.publishes)
    twice = [each for each, count in names.items() if count > 1]
    if twice:
        raise ValueError(f"there is more than one {twice[0]}")
    known, uses = {each.name: each for each in contexts}, _uses(contexts)
    directed = [_related(up, known[down], uses) for up, down in sorted(uses)]
    return ContextMap(tuple(contexts), (*directed, *_kernels(contexts, platform)))


def _uses(contexts: Sequence[Context]) -> Uses:
    """Return which contracts of the one context the other uses, and how."""
    publishers = {event: each.name for each in contexts for event in each.publishes}
    offers = {each.name: each.offers for each in contexts}
    uses: dict[Pair, dict[str, str]] = defaultdict(dict)
    for down in contexts:
        for event, reader in down.reads.items():
            if event not in publishers:
                raise ValueError(f"{down.name} reads {event}, which nobody publishes")
            uses[publishers[event], down.name][event] = f"read by {reader}"
        for up, called in down.calls.items():
            for each in called:
                if each not in offers.get(up, ()):
                    raise ValueError(f"{down.name} calls {each}, not offered by {up}")
                uses[up, down.name][each] = "called"
        for up in down.expects:
            if (up, down.name) not in uses:
                raise ValueError(f"{down.name} expects of {up} what it never uses")
    return {(up, down): how for (up, down), how in uses.items() if up != down}


def _related(up: str, down: Context, uses: Uses) -> Relationship:
    """Return the relationship of a directed pair, each pattern with its evidence."""
    through = uses[up, down.name]
    found = {"P": "each uses the other"} if (down.name, up) in uses else {}
    if up in down.expects:
        found["C/S"] = f"{down.name} keeps expectations of {up}"
    users = sorted(user for owner, user in uses if owner == up)
    shared = [c for c in through if sum(c in uses[up, each] for each in users) > 1]
    if shared:
        who = [each for each in users if not uses[up, each].keys().isdisjoint(shared)]
        found |= {"OHS": f"used by {', '.join(who)}", "PL": ", ".join(shared)}
    for sign in sorted({down.takes(each) for each in through} - {""}):
        found[sign] = ", ".join(down.reads[e] for e in through if down.takes(e) == sign)
    return Relationship(up, down.name, through, found)


def _kernels(contexts: Sequence[Context], platform: Names) -> Iterator[Relationship]:
    """Yield a relationship for each two contexts that use the same modules."""
    shared: dict[Pair, list[str]] = defaultdict(list)
    for m in sorted({module for each in contexts for module in each.imports}):
        if any(_within(m, package) for package in platform):
            continue
        users = (c for c in contexts if m in c.imports or _within(m, c.package))
        for pair in combinations((user.name for user in users), 2):
            shared[pair].append(m)
    for (one, other), modules in shared.items():
        yield Relationship(one, other, {}, {"SK": f"both use {', '.join(modules)}"})


def _within(name: str, package: str) -> bool:
    """Return whether a dotted name is a package's or of something in it."""
    return f"{name}.".startswith(f"{package}.")
