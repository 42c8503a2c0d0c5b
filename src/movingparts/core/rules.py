"""The rules of CloudEvents 1.0: what makes an event invalid.

Source: the CloudEvents specification 1.0.2 (its type system and its attributes), the
JSON event format 1.0.2, RFC 3986 for URIs, RFC 3339 for times.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

DEEPEST = 100  # levels of lists and objects in data, as in Ruby's JSON reader
RESERVED = frozenset({"data", "data_base64", "specversion"})
CORE = frozenset({
    "id", "source", "type", "subject", "time", "datacontenttype", "dataschema",
    "traceparent",
})  # fmt: skip
# Control characters, surrogates, and the code points that are no characters.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane + 0xFFFE)}-{chr(plane + 0xFFFF)}"
        for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)
_NAME = re.compile(r"[a-z0-9]+")
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD} *(?:;.*)?")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
# RFC 3986's own division (its appendix B), then what may stand in each part.
_PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_CHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_AUTHORITY = re.compile(rf"(?:{_CHAR}*@)?(?:\[[0-9A-Fa-fv:.]+\](?::\d*)?|{_CHAR}*)")
_PATH = re.compile(rf"(?:{_CHAR}|/)*")
_QUERY = re.compile(rf"(?:{_CHAR}|[/?])*")


class EventError(ValueError):
    """An event breaks CloudEvents' rules; the message says which, and where."""


def text(name: str, value: Any) -> None:
    """Check an attribute of the type String that must not be empty."""
    if type(value) is str and value and value.isascii() and value.isprintable():
        return  # nearly every attribute there is
    if value is None:
        raise EventError(f"{name} is missing: every event has one")
    if not isinstance(value, str):
        raise EventError(f"{name} is text, not {type(value).__name__}")
    if not value:
        raise EventError(f"{name} is empty: leave it out or say something")
    _characters(name, value)


def _characters(name: str, value: str) -> None:
    found = _FORBIDDEN.search(value)
    if found:
        raise EventError(
            f"{name} holds U+{ord(found[0]):04X}: control characters, lone surrogates"
            " and noncharacters are not allowed in attributes"
        )


def uri_reference(name: str, value: str) -> None:
    """Check an attribute of the type URI-reference (RFC 3986, section 4.1)."""
    parts = _PARTS.fullmatch(value)
    good = parts is not None and (
        (parts[1] is None or _SCHEME.fullmatch(parts[1]))
        and _AUTHORITY.fullmatch(parts[2] or "")
        and _PATH.fullmatch(parts[3])
        and _QUERY.fullmatch(parts[4] or "")
        and _QUERY.fullmatch(parts[5] or "")
    )
    if not good:
        raise EventError(
            f"{name} must be a URI-reference such as '/rides', got {value!r}"
        )


def absolute_uri(name: str, value: Any) -> None:
    """Check an attribute of the type URI (RFC 3986, section 4.3)."""
    text(name, value)
    uri_reference(name, value)
    parts = _PARTS.fullmatch(value)
    if parts is None or parts[1] is None or parts[5] is not None:
        raise EventError(
            f"{name} must be an absolute URI: a scheme and no #, got {value!r}"
        )


def media_type(name: str, value: Any) -> None:
    """Check a media type (RFC 2046)."""
    text(name, value)
    if not _MEDIA_TYPE.fullmatch(value):
        raise EventError(f"{name} must be a media type, got {value!r}")


def extensions(given: Mapping[Any, Any]) -> dict[str, str | int | bool]:
    """Check extension attributes and return a copy of them."""
    for name, value in given.items():
        if name in RESERVED or name in CORE:
            raise EventError(f"{name} is an attribute of its own, not an extension")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise EventError(f"{name!r} must be named in lower-case letters and digits")
        if isinstance(value, str):
            _characters(name, value)
        elif not isinstance(value, int):
            what = type(value).__name__
            raise EventError(f"{name} is text, a whole number or a Boolean, not {what}")
        elif not -(2**31) <= value < 2**31:
            raise EventError(f"{name} is {value}: whole numbers have 32 bits")
    return {name: given[name] for name in sorted(given)}


def utc(time: Any) -> datetime:
    """Return a time in UTC, having checked that it says where it was measured."""
    if not isinstance(time, datetime):
        raise EventError(f"time is a datetime, not {type(time).__name__}")
    if time.utcoffset() is None:
        raise EventError("time has no time zone: make it aware, best in UTC")
    if time.tzinfo is UTC:
        return time
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise EventError(f"time {time} is out of range in UTC") from None


def timestamp(time: datetime) -> str:
    """Write a time in UTC as RFC 3339 asks, to the microsecond."""
    return time.isoformat().removesuffix("+00:00") + "Z"


def parse_timestamp(value: Any) -> datetime:
    """Read a time of RFC 3339; digits after microseconds are cut off."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise EventError(
            f"time must be as RFC 3339 has it ('2031-05-05T06:00:00Z'), got {value!r}"
        )
    day, hour, second, fraction, zone = found.groups()
    leap = second == "60"  # a leap second; datetime has none, so it is the next one
    written = f"{day}T{hour}{'59' if leap else second}{fraction or ''}{zone.upper()}"
    try:
        time = datetime.fromisoformat(written)
        return utc(time + timedelta(seconds=1) if leap else time)
    except (ValueError, OverflowError) as error:
        raise EventError(f"time {value!r} does not exist: {error}") from None


def plain(value: Any, where: str) -> Any:
    """Return a copy of a JSON value; tuples become lists.

    Raises `EventError` for what JSON cannot say, with the path to it.
    """
    try:
        return _plain(value, where, DEEPEST)
    except RecursionError:
        raise EventError(
            f"{where} is nested too deeply, or in itself: at most {DEEPEST} levels"
        ) from None


_SCALARS = frozenset({str, int, bool, type(None)})


def _plain(value: Any, where: str, levels: int) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if levels == 0 and kind is not float:
        raise RecursionError  # before the stack's own, which depends on the caller
    if kind is dict:
        for name in value:
            if type(name) is not str:
                raise EventError(
                    f"{where} has the name {name!r}: JSON's names are text"
                )
        return {
            name: item
            if type(item) in _SCALARS
            else _plain(item, f"{where}.{name}", levels - 1)
            for name, item in value.items()
        }
    if kind is list or kind is tuple:
        return [
            _plain(item, f"{where}[{i}]", levels - 1) for i, item in enumerate(value)
        ]
    if kind is float:
        if math.isfinite(value):
            return value
        raise EventError(f"{where} is {value}: JSON has no such number")
    raise EventError(f"{where} is a {kind.__name__}: JSON has no such type")


def no_such_number(name: str) -> Any:
    """Refuse NaN and the infinities, which Python's JSON reads otherwise."""
    raise ValueError(f"{name} is not a JSON number")


def each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a JSON object, refusing a name that is in it twice."""
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return made
