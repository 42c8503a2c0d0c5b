"""An event: a fact that happened, in CloudEvents 1.0."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from movingparts.core import rules
from movingparts.core.rules import EventError

CONTENT_TYPE = "application/cloudevents+json"
_JSON = re.compile(r"[^/]+/(?:[^;]+\+)?json *(?:;.*)?", re.IGNORECASE)


@dataclass(frozen=True)  # without slots: a copy is one call for all attributes
class Event:
    """A fact that happened, somewhere, to something: named in the past tense.

    `source` says where, `type` what, `subject` to what; `source` and `id` together
    are the event's identity, so two events that share both are the same one twice.
    `data` is any JSON, or bytes; the event keeps a copy of its own. `time` is aware
    and is kept in UTC. `traceparent` is of CloudEvents'
    Distributed Tracing extension, in W3C's form; any other attribute that a sender
    adds travels in `extensions`.

    An event that breaks a rule of CloudEvents is never made: `EventError` names the
    attribute and the rule.

    >>> ended = Event("17", "/rides", "RideEnded", {"bike": 212})
    >>> Event.from_json(ended.to_json()) == ended
    True
    >>> Event("18", "/rides", "RideEnded", {"fare": float("nan")})
    Traceback (most recent call last):
    movingparts.core.rules.EventError: data.fare is nan: JSON has no such number

    Source: chapter 05; CloudEvents 1.0.2 and its JSON format. Leaves out: binary
    mode, batches, and the comparison of `data` with its `dataschema`.
    """

    id: str
    source: str
    type: str
    data: Any = None
    subject: str | None = None
    time: datetime | None = None
    traceparent: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    extensions: Mapping[str, str | int | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_attributes(self)
        if self.time is not None:
            object.__setattr__(self, "time", rules.utc(self.time))
        if self.extensions:
            object.__setattr__(self, "extensions", rules.extensions(self.extensions))
        if self.data is not None and not isinstance(self.data, bytes):
            if self.datacontenttype is None or _JSON.fullmatch(self.datacontenttype):
                object.__setattr__(self, "data", rules.plain(self.data, "data"))
            elif not isinstance(self.data, str):
                raise EventError(
                    f"data of {self.datacontenttype} is text or bytes,"
                    f" not {type(self.data).__name__}"
                )

    def to_body(self) -> dict[str, Any]:
        """Return the event as a JSON object: its attributes and data by name."""
        body: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
        }
        if self.subject is not None:
            body["subject"] = self.subject
        if self.time is not None:
            body["time"] = rules.timestamp(self.time)
        if self.traceparent is not None:
            body["traceparent"] = self.traceparent
        if self.datacontenttype is not None:
            body["datacontenttype"] = self.datacontenttype
        if self.dataschema is not None:
            body["dataschema"] = self.dataschema
        if self.extensions:
            body.update(self.extensions)
        if isinstance(self.data, bytes):
            body["data_base64"] = base64.b64encode(self.data).decode()
        elif self.data is not None:
            body["data"] = self.data
        return body

    def to_json(self) -> bytes:
        """Return the event in JSON's structured mode, the same bytes each time.

        Raises `EventError` where `data` was changed into something that is no JSON.
        """
        try:
            return _ENCODER.encode(self.to_body()).encode()
        except (TypeError, ValueError) as error:
            raise EventError(f"data cannot be written as JSON: {error}") from None

    def copied(self, *, traceparent: str | None = None) -> Event:
        """Return the same event, as one that travelled: its data are a copy.

        `traceparent`, if it is given, is that of the copy.
        """
        copy = object.__new__(Event)  # what was checked need not be checked again
        attributes = copy.__dict__
        attributes.update(self.__dict__)
        if traceparent is not None:
            attributes["traceparent"] = traceparent
        if self.extensions:
            attributes["extensions"] = dict(self.extensions)
        if isinstance(self.data, dict | list):
            attributes["data"] = rules.plain(self.data, "data")
        return copy

    @classmethod
    def from_json(cls, text: str | bytes) -> Event:
        """Read what any sender of CloudEvents wrote; raise `EventError` otherwise."""
        try:
            body = _DECODER.decode(text if isinstance(text, str) else text.decode())
        except (ValueError, RecursionError) as error:
            raise EventError(f"this is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise EventError("an event is a JSON object, with its attributes by name")
        version = body.pop("specversion", None)
        if version != "1.0":
            raise EventError(f"specversion must be '1.0', got {version!r}")
        if "data_base64" in body:
            body["data"] = _binary(body)
        if body.get("time") is not None:
            body["time"] = rules.parse_timestamp(body["time"])
        made = object.__new__(cls)  # its __init__ would set one attribute at a time
        attributes = made.__dict__
        attributes.update(_NOTHING)
        attributes["extensions"] = {
            name: value
            for name in [each for each in body if each not in _ATTRIBUTES]
            if (value := body.pop(name)) is not None
        }
        attributes.update(body)
        made.__post_init__()
        return made


_ATTRIBUTES = frozenset(Event.__dataclass_fields__) - {"extensions"}
_NOTHING = dict.fromkeys(Event.__dataclass_fields__)
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(
    parse_constant=rules.no_such_number, object_pairs_hook=rules.each_name_once
)


def _check_attributes(event: Event) -> None:
    rules.text("id", event.id)
    if type(event.source) is type(event.type) is str:
        _check_kind(event.source, event.type)
    else:
        rules.text("source", event.source)
        rules.text("type", event.type)
    if event.subject is not None:
        rules.text("subject", event.subject)
    if event.traceparent is not None:
        rules.text("traceparent", event.traceparent)
    if event.datacontenttype is not None:
        rules.media_type("datacontenttype", event.datacontenttype)
    if type(event.dataschema) is str:
        _check_schema(event.dataschema)
    elif event.dataschema is not None:
        rules.absolute_uri("dataschema", event.dataschema)


@lru_cache(maxsize=1024)
def _check_kind(source: str, kind: str) -> None:
    """Check what a producer says again with each event, once."""
    rules.text("source", source)
    rules.uri_reference("source", source)
    rules.text("type", kind)


@lru_cache(maxsize=1024)
def _check_schema(address: str) -> None:
    """Check what a producer says again with each event of a kind, once."""
    rules.absolute_uri("dataschema", address)


def _binary(body: dict[str, Any]) -> bytes:
    encoded = body.pop("data_base64")
    if "data" in body:
        raise EventError("data and data_base64 exclude each other")
    try:
        return base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError) as error:
        raise EventError(f"data_base64 is not Base64: {error}") from None
