"""An event keeps CloudEvents' rules, and reads what others write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from movingparts.bus import Event, EventError

SIX = datetime(2031, 5, 5, 6, 0, tzinfo=UTC)


def made(**changes: Any) -> Event:
    return Event(**{"id": "1", "source": "/rides", "type": "RideEnded", **changes})


def wire(**changes: Any) -> bytes:
    body = {"specversion": "1.0", "id": "1", "source": "/rides", "type": "RideEnded"}
    return json.dumps({**body, **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": ""}, "id is empty"),
        ({"id": 7}, "id is text, not int"),
        ({"id": "a\nb"}, r"id holds U\+000A"),
        ({"id": "a\u0085b"}, r"id holds U\+0085"),
        ({"id": "\ufdd0"}, r"id holds U\+FDD0"),
        ({"id": "\U0001ffff"}, r"id holds U\+1FFFF"),
        ({"id": "\ud800"}, r"id holds U\+D800"),
        ({"source": ""}, "source is empty"),
        ({"source": None}, "source is missing"),
        ({"source": "a b"}, "source must be a URI-reference"),
        ({"source": "1x:y"}, "source must be a URI-reference"),
        ({"source": "/ü"}, "source must be a URI-reference"),
        ({"source": "/a%2"}, "source must be a URI-reference"),
        ({"source": "/a[1]"}, "source must be a URI-reference"),
        ({"type": ""}, "type is empty"),
        ({"subject": ""}, "subject is empty"),
        ({"time": "2031-05-05T06:00:00Z"}, "time is a datetime, not str"),
        ({"time": SIX.replace(tzinfo=None)}, "time has no time zone"),
        (
            {"time": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))},
            "out of range",
        ),
        ({"datacontenttype": "json"}, "datacontenttype must be a media type"),
        ({"dataschema": ""}, "dataschema is empty"),
        ({"dataschema": "/schema"}, "dataschema must be an absolute URI"),
        ({"dataschema": "https://a.example/s#x"}, "dataschema must be an absolute"),
        ({"extensions": {"Zone": "x"}}, "'Zone' must be named in lower-case"),
        ({"extensions": {"zone_1": "x"}}, "'zone_1' must be named in lower-case"),
        ({"extensions": {"": "x"}}, "'' must be named in lower-case"),
        ({"extensions": {"data": "x"}}, "data is an attribute of its own"),
        ({"extensions": {"id": "x"}}, "id is an attribute of its own"),
        ({"extensions": {"specversion": "1.0"}}, "specversion is an attribute"),
        ({"extensions": {"zone": 1.5}}, "zone is text, a whole number or a Boolean"),
        ({"extensions": {"zone": 2**31}}, "whole numbers have 32 bits"),
        ({"extensions": {"zone": "a\x00"}}, r"zone holds U\+0000"),
        ({"data": float("nan")}, "data is nan"),
        ({"data": {"a": [1, {"b": float("inf")}]}}, r"data\.a\[1\]\.b is inf"),
        ({"data": {1: "x"}}, "data has the name 1: JSON's names are text"),
        ({"data": {"at": SIX}}, r"data\.at is a datetime: JSON has no such type"),
        ({"data": {"x"}}, "data is a set"),
        (
            {"data": {"a": 1}, "datacontenttype": "text/plain"},
            "data of text/plain is text or bytes, not dict",
        ),
    ],
)
def test_an_invalid_event_is_never_made(changes, says):
    with pytest.raises(EventError, match=says):
        made(**changes)


@pytest.mark.parametrize("wrap", [lambda data: [data], lambda data: {"a": data}])
def test_data_nest_a_hundred_levels_however_deep_the_caller_is(wrap):
    def nested(levels: int) -> Any:
        return wrap(nested(levels - 1)) if levels else 0.5

    def in_depth(frames: int, levels: int) -> Event:
        return in_depth(frames - 1, levels) if frames else made(data=nested(levels))

    for frames in (0, 300):
        event = in_depth(frames, 100)
        assert event == event.copied() == Event.from_json(event.to_json())
        with pytest.raises(EventError, match=r"nested too deeply.*at most 100 levels"):
            in_depth(frames, 101)


def test_data_that_holds_itself_is_refused():
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EventError, match="nested too deeply"):
        made(data=endless)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "an event is a JSON object"),
        (b"7", "an event is a JSON object"),
        (wire(specversion="0.3"), "specversion must be '1.0', got '0.3'"),
        (wire(specversion=None), "specversion must be '1.0', got None"),
        (wire(id=None), "id is missing"),
        (wire(type=7), "type is text, not int"),
        (wire(time="yesterday"), "time must be as RFC 3339 has it"),
        (wire(time="2031-05-05"), "time must be as RFC 3339 has it"),
        (wire(time="2031-05-05T06:00:00"), "time must be as RFC 3339 has it"),
        (wire(time="2031-02-30T06:00:00Z"), "does not exist"),
        (wire(time=7), "time must be as RFC 3339 has it"),
        (wire(data=1, data_base64="AA=="), "data and data_base64 exclude each other"),
        (wire(data_base64="?"), "data_base64 is not Base64"),
        (wire(data_base64=7), "data_base64 is not Base64"),
        (wire(Zone="x"), "'Zone' must be named"),
        (wire(zone={"a": 1}), "zone is text, a whole number or a Boolean, not dict"),
        (wire()[:-1] + b',"data":NaN}', "NaN is not a JSON number"),
        (wire()[:-1] + b',"data":[1e999]}', r"data\[0\] is inf"),
        (wire()[:-1] + b',"id":"2"}', "'id' stands twice"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_an_invalid_text_is_refused(text, says):
    with pytest.raises(EventError, match=says):
        Event.from_json(text)


def test_a_missing_attribute_is_named():
    with pytest.raises(EventError, match="source is missing"):
        Event.from_json(b'{"specversion":"1.0","id":"1","type":"RideEnded"}')


@pytest.mark.parametrize(
    "source",
    [
        "/rides",
        "rides",
        "1-555-123-4567",
        "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
        "mailto:fleet@larkhaven.example",
        "https://a.example:8000/b?c=d&e#f",
        "//[::1]:80/x",
        "#fragment",
        "/a%20b",
    ],
)
def test_every_uri_reference_can_be_a_source(source):
    assert source == made(source=source).source


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2031-05-05T06:00:00Z", SIX),
        ("2031-05-05t06:00:00z", SIX),
        ("2031-05-05T08:00:00+02:00", SIX),
        ("2031-05-05T06:00:00.000001Z", SIX + timedelta(microseconds=1)),
        ("2031-05-05T06:00:00.1234567899Z", SIX + timedelta(microseconds=123456)),
        ("2031-05-05T05:59:60Z", SIX),
    ],
)
def test_times_of_rfc_3339_are_read_to_the_microsecond(text, time):
    assert time == Event.from_json(wire(time=text)).time


def test_null_is_the_same_as_left_out():
    text = wire(subject=None, time=None, zone=None, data=None)
    assert made() == Event.from_json(text)


def test_an_extension_may_have_the_name_of_our_field():
    event = Event.from_json(wire(extensions="x"))
    assert {"extensions": "x"} == event.extensions
    assert event == Event.from_json(event.to_json())


def test_the_event_keeps_a_copy_of_its_data():
    data = {"bikes": [1, 2]}
    event = made(data=data)
    data["bikes"].append(3)
    assert {"bikes": [1, 2]} == event.data


def test_data_that_was_spoiled_later_is_refused_when_written():
    event = made(data={"fare": 1.0})
    event.data["fare"] = float("nan")
    with pytest.raises(EventError, match="cannot be written"):
        event.to_json()


def test_an_event_that_was_read_and_written_is_read_by_the_sdk():
    event = made(
        data={"bike": 212, "fare": 2.5},
        subject="bike/212",
        time=SIX + timedelta(microseconds=7),
        traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        dataschema="https://larkhaven.example/ride-ended/1",
        datacontenttype="application/json",
        extensions={"zone": "north", "fleet": 3, "electric": True},
    )
    theirs = JSONFormat().read(None, event.to_json())
    assert event.data == theirs.get_data()
    expected = event.to_body() | {"time": event.time}
    assert {k: v for k, v in expected.items() if k != "data"} == theirs.get_attributes()
    assert event == Event.from_json(JSONFormat().write(theirs))


def test_what_the_sdk_writes_is_read():
    theirs = CloudEvent(
        {"id": "1", "source": "/rides", "type": "RideEnded", "subject": "b", "zone": 3},
        {"bike": 212},
    )
    ours = Event.from_json(JSONFormat().write(theirs))
    assert (theirs.get_id(), theirs.get_time(), theirs.get_data(), 3) == (
        ours.id,
        ours.time,
        ours.data,
        ours.extensions["zone"],
    )


def test_bytes_travel_as_base64_and_the_sdk_agrees():
    event = made(data=b"\x00\xff", datacontenttype="application/octet-stream")
    assert b"data_base64" in event.to_json()
    assert event == Event.from_json(event.to_json())
    assert b"\x00\xff" == JSONFormat().read(None, event.to_json()).get_data()


def test_text_of_another_type_stays_text():
    event = made(data="<bike/>", datacontenttype="application/xml")
    assert event == Event.from_json(event.to_json())
    assert "<bike/>" == JSONFormat().read(None, event.to_json()).get_data()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
names = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True).filter(
    lambda name: name not in {*Event.__dataclass_fields__, "specversion"}
)
attribute_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Cs"]), min_size=1
)


events = st.builds(
    made,
    id=attribute_text,
    type=attribute_text,
    subject=st.none() | attribute_text,
    data=json_values | st.binary(),
    time=st.none() | st.datetimes(timezones=st.just(UTC)),
    extensions=st.dictionaries(
        names, attribute_text | st.booleans() | st.integers(-(2**31), 2**31 - 1)
    ),
)


@given(events)
def test_reading_what_was_written_gives_the_same_event(event):
    assert event == Event.from_json(event.to_json())
    assert event.to_json() == Event.from_json(event.to_json()).to_json()


@given(events)
def test_the_sdk_reads_every_event_as_it_is(event):
    theirs = JSONFormat().read(None, event.to_json())
    # The SDK gives an event without a time the time at which it reads it.
    expected = event.to_body() | {"time": event.time or theirs.get_time()}
    assert {
        name: value for name, value in expected.items() if not name.startswith("data")
    } == theirs.get_attributes()
    assert event.data == theirs.get_data()


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *(
                    "id",
                    "source",
                    "type",
                    "subject",
                    "time",
                    "dataschema",
                    "specversion",
                ),
                *(
                    "datacontenttype",
                    "data",
                    "data_base64",
                    "zone",
                    "Zone",
                    "zone_1",
                    "",
                ),
            ]
        ),
        st.sampled_from(["", "1.0", "AP8", "AP8=", "2031-05-05T06:00:00", 7, True, []]),
        max_size=3,
    )
)
def test_what_the_sdk_refuses_is_refused(changes):
    """The other way round is not so: it takes `a b` as a source, and NaN as data."""
    text = wire(**changes)
    try:
        JSONFormat().read(None, text)
    except Exception:  # noqa: BLE001  # the SDK raises whatever it stumbles over
        with pytest.raises(EventError):
            Event.from_json(text)


@given(st.binary() | st.text())
def test_no_text_breaks_the_reader(text):
    with pytest.raises(EventError):
        Event.from_json(text)


@given(
    st.dictionaries(
        st.sampled_from(["id", "type", "source", "time", "data"]), json_values
    )
)
def test_no_object_breaks_the_reader(changes):
    try:
        event = Event.from_json(wire(**changes))
    except EventError:
        return
    assert event == Event.from_json(event.to_json())
