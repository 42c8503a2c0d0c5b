"""Compare two contracts: what in the new one breaks those who rely on the old one?

A contract is the OpenAPI document of a service. Source: chapter 04. Leaves out:
formats and limits of numbers and texts, `allOf`, schemas that contain themselves,
security, and answers other than 200.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Schema = dict[str, Any]
ANY: Schema = {}


def breaking(old: Schema, new: Schema) -> list[str]:
    """Return what breaks an app that was written for the old contract."""
    found, there = [], operations(new)
    for name, (takes, gives) in operations(old).items():
        if name not in there:
            found.append(f"{name}: is gone")
            continue
        now_takes, now_gives = there[name]
        # Old apps send, the new service reads; then the other way around.
        found += [f"{name}, request: {w}" for w in unread(takes, now_takes)]
        found += [f"{name}, answer: {w}" for w in unread(now_gives, gives)]
    return found


def unread(sent: Schema, read: Schema, name: str = "body") -> Iterator[str]:
    """Yield why a reader can't take all that a sender may send."""
    for kind in sent.get("anyOf", [sent]):
        tried = [[*_unread(kind, each, name)] for each in read.get("anyOf", [read])]
        if all(tried):
            yield from tried[0]


def _unread(sent: Schema, read: Schema, name: str) -> Iterator[str]:
    types = {read.get("type"), "integer" if read.get("type") == "number" else None}
    if "type" in read and sent.get("type") not in types:
        yield f"{name} is sent as {sent.get('type')}, read as {read['type']}"
    elif (known := _values(read)) and (new := set(_values(sent)) - set(known)):
        yield f"{name} may be {', '.join(sorted(new))}, which nobody expects"
    elif known and not _values(sent):
        yield f"{name} may be any {read['type']}"
    for field in read.get("required", ()):
        if field not in sent.get("required", ()):
            yield f"{field} may be missing"
    there = sent.get("properties", {})
    for field, schema in read.get("properties", {}).items():
        yield from unread(there.get(field, schema), schema, field)
    if "items" in read:
        yield from unread(sent.get("items", ANY), read["items"], f"{name}[]")


def _values(schema: Schema) -> Sequence[str]:
    """Return the values that a schema allows, if it names them."""
    one = [schema["const"]] if "const" in schema else []
    return [str(value) for value in schema.get("enum", one)]


def operations(document: Schema) -> dict[str, tuple[Schema, Schema]]:
    """Return what each operation takes and gives, by its name."""
    return {
        f"{method.upper()} {path}": (_takes(operation), _gives(operation))
        for path, methods in _resolved(document, document["paths"]).items()
        for method, operation in methods.items()
    }


def _takes(operation: Schema) -> Schema:
    """Return parameters and body as one object."""
    fields = {each["name"]: each["schema"] for each in operation.get("parameters", ())}
    needed = [e["name"] for e in operation.get("parameters", ()) if e["required"]]
    if body := operation.get("requestBody"):
        fields["body"] = _json(body)
        needed += ["body"] if body.get("required") else []
    return {"type": "object", "properties": fields, "required": needed}


def _gives(operation: Schema) -> Schema:
    return _json(operation["responses"].get("200", {}))


def _json(content: Schema) -> Schema:
    body = content.get("content", {}).get("application/json", {})
    found: Schema = body.get("schema", ANY)
    return found


def _resolved(document: Schema, part: Any) -> Any:
    """Return a part of a document with what it refers to in its place."""
    if isinstance(part, list):
        return [_resolved(document, each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return _resolved(document, document["components"]["schemas"][name])
    return {key: _resolved(document, value) for key, value in part.items()}
