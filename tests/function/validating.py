"""Whether another platform would take a descriptor, said by that platform's own rules.

Both need packages that only the book has, and no network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from movingparts.function.descriptors import Descriptor


def sam_problems(template: Descriptor, *, region: str = "us-east-1") -> list[str]:
    """Return what `cfn-lint`, AWS's own linter, finds wrong with a SAM template."""
    from cfnlint.api import ManualArgs, lint

    found = lint(json.dumps(template), config=ManualArgs(regions=[region]))
    return [f"{match.rule.id} {match.message}" for match in found]


def knative_problems(service: Descriptor) -> list[str]:
    """Return what a Knative Service's published schema finds wrong with one.

    The schema's Python models drop what they don't know, so a misspelled field is found
    by its absence.
    """
    from cloudcoil.models.knative_serving.serving.v1 import Service
    from pydantic import ValidationError

    try:
        known = Service.model_validate(service)
    except ValidationError as error:
        return [
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
        ]
    kept = known.model_dump(mode="json", by_alias=True, exclude_none=True)
    return [f"{path} is not a field" for path in missing(service, kept)]


def missing(given: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Yield the paths that a model has dropped."""
    if isinstance(given, dict):
        for name, value in given.items():
            here = f"{path}.{name}".lstrip(".")
            if name in kept:
                yield from missing(value, kept[name], here)
            else:
                yield here
    elif isinstance(given, list):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from missing(one, other, f"{path}[{number}]")
