"""The contracts of Larkhaven: all that its contexts share, as files.

`events` holds a JSON Schema for each event that a context publishes, `expectations`
what a customer relies on in its supplier, which the supplier's tests run.
`python -m tools.dev.contracts` writes the schemas from the code; a test compares, so
that a change of a contract is seen in review. An OpenAPI document is in no file: each
service writes its own.
"""

from __future__ import annotations

import json
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any


def events() -> dict[str, dict[str, Any]]:
    """Return the schema of each published event, by the contract's name.

    >>> sorted(events())[:2]
    ['availability.bike-reserved', 'availability.rebalancing-wanted']
    """
    return _all("events")


def expectations() -> dict[str, dict[str, Any]]:
    """Return what customers expect of suppliers, by "customer-supplier"."""
    return _all("expectations")


def _all(folder: str) -> dict[str, dict[str, Any]]:
    here: Traversable = resources.files(__package__) / folder
    files = sorted(here.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".json"): json.loads(file.read_text("utf-8"))
        for file in files
        if file.name.endswith(".json")
    }
