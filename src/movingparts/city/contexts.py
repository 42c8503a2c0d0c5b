"""What the code of each context says about it: the facts of the context map.

Nothing here lists who knows whom: events are read from their schemas, operations
from each service, readers from each context's border, calls and imports from source.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from movingparts.city import contracts
from movingparts.city.docklink import docklink
from movingparts.city.larkhaven import CONTEXTS, KINDS
from movingparts.core import World
from movingparts.strategy.context_map import Context, ContextMap, context_map
from movingparts.strategy.imports import imports_of
from movingparts.world import simulate

PLATFORM = (
    "movingparts.bus",
    "movingparts.core",
    "movingparts.published_language",
    "movingparts.repository",
    "movingparts.saga",
    "movingparts.service",
    "movingparts.unit_of_work",
    "movingparts.world",
)
"""What every context uses, as it uses its web framework."""

VENDOR = "docklink"
METHODS = ("get", "put", "post", "delete", "patch")


def larkhaven_map() -> ContextMap:
    """Return the context map of the city, with the vendor of its docks.

    >>> larkhaven_map()
    <ContextMap of 7: 11 related, 12 separate>
    """
    return context_map([*map(facts, CONTEXTS), vendor()], platform=PLATFORM)


def facts(name: str) -> Context:
    """Return what the code and the contracts of one context say."""
    package = import_module(f"movingparts.city.{name}")
    folder = Path(inspect.getfile(package)).parent
    own = f"{name}."
    return Context(
        name=name,
        kind=KINDS[name],
        package=package.__name__,
        publishes=tuple(e for e in contracts.events() if e.startswith(own)),
        offers=operations(name),
        reads=dict(_reads(package)),
        calls=calls_of(folder),
        expects=tuple(
            each["supplier"]
            for each in contracts.expectations().values()
            if each["customer"] == name
        ),
        imports=imports_of(folder),
    )


def vendor() -> Context:
    """Return the vendor's service, of which only its messages and its API are known."""
    return Context(
        name=VENDOR,
        kind="vendor",
        publishes=(f"{VENDOR}.message",),
        offers=operations(VENDOR),
    )


@cache
def apis() -> Mapping[str, Mapping[str, Any]]:
    """Return the OpenAPI document of each service, and of the vendor's, by its name."""

    async def scenario(world: World) -> dict[str, Any]:
        services = {**CONTEXTS, VENDOR: docklink}
        return {
            name: make(world.node(name)).openapi() for name, make in services.items()
        }

    found: dict[str, Any] = simulate(scenario, seed=1).result
    return found


def operations(name: str) -> tuple[str, ...]:
    """Return the operations that a service offers, as "PUT /rides/{ride_id}"."""
    paths: Mapping[str, Any] = apis()[name]["paths"] if name in apis() else {}
    return tuple(
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method in METHODS
        if method in item
    )


def _reads(package: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield the contracts that a context reads, and the name of what reads each."""
    if not (Path(inspect.getfile(package)).parent / "acl.py").is_file():
        return
    border = import_module(f"{package.__name__}.acl")
    found: Mapping[str, Any] = {
        **getattr(border, "READS", {}),
        **getattr(border, "OUTSIDE", {}),
    }
    for contract, reader in found.items():
        yield contract, f"{reader.__module__}.{reader.__qualname__}"


def calls_of(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the operations that the code of a package calls, by who offers them.

    A call is one of a client's methods whose first argument begins with `http://` and
    a name: `client.put(f"http://billing/authorizations/{ride.ride_id}")`. It is matched
    with the operation of that form in the API of its service.
    """
    found: dict[str, dict[str, None]] = {}
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            called = _called(node)
            if called is not None:
                found.setdefault(called[0], {})[_operation(*called)] = None
    return {name: tuple(operations) for name, operations in sorted(found.items())}


def _called(node: ast.AST) -> tuple[str, str, str] | None:
    """Return whom a piece of code calls, by which method, under which path."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    if node.func.attr not in METHODS or not node.args:
        return None
    url = _text(node.args[0])
    if not url.startswith("http://"):
        return None
    name, _, path = url.removeprefix("http://").partition("/")
    return name, node.func.attr.upper(), f"/{path}"


def _text(node: ast.expr) -> str:
    """Return a text as written, with {} for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = (
            each if isinstance(each, ast.Constant) else None for each in node.values
        )
        return "".join("{}" if part is None else str(part.value) for part in parts)
    return ""


def _operation(name: str, method: str, path: str) -> str:
    """Return the operation of an API that a call is of; the call, if of none."""
    for operation in operations(name):
        offered, _, template = operation.partition(" ")
        parts = ["{}" if part.startswith("{") else part for part in template.split("/")]
        if offered == method and "/".join(parts) == path:
            return operation
    return f"{method} {path}"
