"""An AsyncAPI document has what AsyncAPI 3.0.0 asks for, and nothing hangs loose."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from movingparts.city.contexts import larkhaven_map
from movingparts.city.contracts import events
from movingparts.strategy.asyncapi import ENVELOPE, asyncapi
from movingparts.strategy.context_map import Context

CONTEXTS = larkhaven_map().contexts
ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "node_modules" / "@asyncapi" / "specs" / "schemas"

each_context = pytest.mark.parametrize("context", CONTEXTS, ids=lambda c: c.name)


def document(context: Context) -> dict[str, Any]:
    return asyncapi(context, events(), version="1.2.3")


@pytest.fixture(scope="module")
def official() -> jsonschema.Draft7Validator:
    """AsyncAPI's own schema of its documents."""
    text = (SCHEMAS / "3.0.0-without-$id.json").read_text("utf-8")
    return jsonschema.Draft7Validator(json.loads(text))


def references(part: Any) -> Iterator[str]:
    """Every $ref in a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    for each in part if isinstance(part, list) else ():
        yield from references(each)


def resolved(found: Any, reference: str) -> Any:
    """What a $ref leads to; KeyError where it leads nowhere."""
    root, *path = reference.split("/")
    assert "#" == root
    for key in path:
        found = found[key]
    return found


@each_context
def test_asyncapi_s_own_schema_finds_nothing_wrong(
    context: Context, official: jsonschema.Draft7Validator
) -> None:
    assert [] == [error.json_path for error in official.iter_errors(document(context))]


def test_it_finds_a_document_that_is_broken(
    official: jsonschema.Draft7Validator,
) -> None:
    found = document(CONTEXTS[0])
    del found["info"]["version"]
    assert ["$.info"] == [error.json_path for error in official.iter_errors(found)]


@each_context
def test_every_reference_leads_somewhere(context: Context) -> None:
    found = document(context)
    for reference in references(found):
        assert isinstance(resolved(found, reference), dict)


@each_context
def test_it_sends_what_is_published_and_receives_what_is_read(context: Context) -> None:
    found = document(context)
    said = {
        (each["action"], resolved(found, each["channel"]["$ref"])["address"])
        for each in found["operations"].values()
    }
    sent = {("send", name) for name in context.publishes}
    assert sent | {("receive", name) for name in context.reads} == said


def test_a_message_is_an_event_whose_data_has_the_contract_s_schema() -> None:
    found = document(next(each for each in CONTEXTS if each.name == "billing"))
    assert {"title": "billing", "version": "1.2.3"} == found["info"]
    message = found["components"]["messages"]["rides.ride-ended"]
    assert "RideEnded" == message["name"]
    assert [*ENVELOPE] == message["payload"]["required"]
    data = resolved(found, message["payload"]["properties"]["data"]["$ref"])
    assert events()["rides.ride-ended"]["properties"] == data["properties"]


def test_a_context_may_hear_what_it_publishes() -> None:
    own = Context("rides", publishes=("rides.a",), reads={"rides.a": "rides.acl.a"})
    operations = asyncapi(own, {}, version="1.0.0")["operations"]
    assert ["send-rides.a", "receive-rides.a"] == list(operations)
