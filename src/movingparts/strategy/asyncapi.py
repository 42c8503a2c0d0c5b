"""An AsyncAPI document for each context: which events it sends and receives.

Nobody writes it by hand. What a context publishes and reads comes from its facts, and
what an event holds from its JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from movingparts.strategy.context_map import Context

CONTENT_TYPE = "application/cloudevents+json"
ENVELOPE = ("specversion", "id", "source", "type", "data")
Json = dict[str, Any]


def asyncapi(context: Context, schemas: Mapping[str, Json], *, version: str) -> Json:
    """Return the AsyncAPI document of one context, as JSON would hold it.

    `schemas` maps the name of a contract, which is also the subject of its events, to
    the JSON Schema of their data; `version` is the context's own. An event without a
    schema has a message without a payload.

    >>> rides = Context("rides", publishes=("rides.ride-ended",))
    >>> asyncapi(rides, {}, version="1.0.0")["operations"]["send-rides.ride-ended"]
    {'action': 'send', 'channel': {'$ref': '#/channels/rides.ride-ended'}}

    Source: AsyncAPI 3.0.0. Leaves out: servers, bindings, durable names.
    """
    used = [("send", name) for name in context.publishes]
    used += [("receive", name) for name in context.reads]
    names = sorted({name for _, name in used})
    known = {name: schemas[name] for name in names if name in schemas}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": context.name, "version": version},
        "channels": {name: _channel(name) for name in names},
        "operations": {
            f"{action}-{name}": {"action": action, "channel": _ref("channels", name)}
            for action, name in used
        },
        "components": {
            "messages": {name: _message(name, known.get(name)) for name in names},
            "schemas": dict(part for each in known.items() for part in _parts(*each)),
        },
    }


def _channel(name: str) -> Json:
    return {"address": name, "messages": {name: _ref("components/messages", name)}}


def _message(name: str, schema: Json | None) -> Json:
    if schema is None:
        return {"name": name}
    data = {"data": _ref("components/schemas", name)}
    payload = {"type": "object", "required": [*ENVELOPE], "properties": data}
    kind = str(schema.get("title", name))
    return {"name": kind, "contentType": CONTENT_TYPE, "payload": payload}


def _parts(name: str, schema: Json) -> Iterator[tuple[str, Json]]:
    """Yield a schema and those inside it, each with a name of its own."""
    own = {k: v for k, v in schema.items() if k not in {"$schema", "$id", "$defs"}}
    yield name, _moved(own, name)
    for inner, part in schema.get("$defs", {}).items():
        yield f"{name}.{inner}", _moved(part, name)


def _moved(part: Any, name: str) -> Any:
    """Return a part of a schema, whose references lead to where the others now are."""
    if isinstance(part, list):
        return [_moved(each, name) for each in part]
    if isinstance(part, dict):
        return {key: _moved(each, name) for key, each in part.items()}
    if isinstance(part, str) and part.startswith("#/$defs/"):
        return part.replace("#/$defs/", f"#/components/schemas/{name}.")
    return part


def _ref(where: str, name: str) -> Json:
    return {"$ref": f"#/{where}/{name}"}
