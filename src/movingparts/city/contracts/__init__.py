"""The contracts of Larkhaven: all that its contexts share, as files.

`events` holds a JSON Schema for each event that a context tells others, `apis` an
OpenAPI document for each service, `expectations` what a customer relies on in its
supplier, which the supplier's tests run. `python -m tools.dev.contracts` writes the
first two from the code; tests compare, so that a change of a contract is seen in
review.
"""

from __future__ import annotations

import json
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")


def events() -> dict[str, dict[str, Any]]:
    """Return the schema of each published event, by the contract's name.

    >>> sorted(events())[:2]
    ['availability.bike-reserved', 'availability.rebalancing-wanted']
    """
    return _all("events")


def apis() -> dict[str, dict[str, Any]]:
    """Return the OpenAPI document of each service, by its name."""
    return _all("apis")


def expectations() -> dict[str, dict[str, Any]]:
    """Return what customers expect of suppliers, by "customer-supplier"."""
    return _all("expectations")


def operations(api: dict[str, Any]) -> tuple[str, ...]:
    """Return the operations that an API offers, as "PUT /rides/{ride_id}"."""
    return tuple(
        f"{method.upper()} {path}"
        for path, item in api["paths"].items()
        for method in METHODS
        if method in item
    )


def _all(folder: str) -> dict[str, dict[str, Any]]:
    here: Traversable = resources.files(__package__) / folder
    files = sorted(here.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".json"): json.loads(file.read_text("utf-8"))
        for file in files
        if file.name.endswith(".json")
    }
