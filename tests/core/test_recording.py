"""The recording: what it keeps, how it reads, what it refuses."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.core.recording import (
    Fault,
    Member,
    Message,
    Moment,
    Recorder,
    Span,
)
from movingparts.world import Recording, RecordingError


def sample() -> Recording:
    """Two messages, one lost; a crash; a span that has not ended."""
    recorder = Recorder("simulated", 7, "2031-05-05T06:00:00+00:00")
    recorder.join("rider", "caller")
    recorder.join("rides", "caller")
    recorder.join("rides", "service")
    first = recorder.message(
        "request", "rider", "rides", label="POST /rides", sent_us=0
    )
    first.arrived_us, first.fate = 1_000, "delivered"
    second = recorder.message("reply", "rides", "rider", label="POST /rides", sent_us=5)
    second.fate, second.status, second.answers = "lost", 201, first.id
    recorder.moment(2_000, "crash", ["rides"], "rides crashes")
    recorder.fault("rides>rider:reply#1:lost", 5, "POST /rides lost")
    recorder.span(Span("a", "t", "", "server", "rides", "rider", "POST /rides", 1_000))
    return recorder.recording(3_000)


def test_the_repr_is_one_line_that_counts_what_did_not_arrive() -> None:
    assert (
        "<Recording simulated seed=7: 2 messages, 1 not delivered among 2 nodes"
        " in 0.003 s>"
    ) == repr(sample())


def test_a_caller_that_begins_to_serve_is_a_service() -> None:
    assert [Member("rider", "caller"), Member("rides", "service")] == sample().nodes


def test_json_holds_everything_but_the_result() -> None:
    recording = sample()
    recording.result = object()
    again = Recording.from_json(recording.to_json())
    assert recording == again
    assert again.result is None
    assert recording.to_json() == again.to_json()
    assert isinstance(again.moments[0], Moment)
    assert isinstance(again.moments[0].nodes, tuple)
    assert isinstance(again.faults[0], Fault)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "no format"),
        ('{"format": "movingparts.recording/0"}', "no format"),
        ('{"format": "movingparts.recording/1"}', "damaged"),
        (
            '{"format": "movingparts.recording/1", "world": "w", "spans": [{"id": 1}]}',
            "damaged",
        ),
        ('{"format": "movingparts.recording/1", "world": "w", "nodes": 7}', "damaged"),
    ],
)
def test_a_text_that_is_no_recording_is_refused_with_the_reason(text, says) -> None:
    with pytest.raises(RecordingError, match=says):
        Recording.from_json(text)


def test_an_unknown_fate_is_refused() -> None:
    body = json.loads(sample().to_json())
    body["messages"][0]["fate"] = "eaten"
    with pytest.raises(RecordingError, match="eaten"):
        Recording.from_json(json.dumps(body))


def test_the_table_tells_what_happened_in_order() -> None:
    table = sample().table()
    assert 3 == len(table)
    assert ["POST /rides", "POST /rides 201", "rides crashes"] == [
        table.rows[0][4].removeprefix("request "),
        table.rows[1][4].removeprefix("reply "),
        table.rows[2][5],
    ]


def test_a_long_table_says_how_much_it_leaves_out() -> None:
    table = sample().table(limit=1)
    assert repr(table).endswith("… and 2 more rows")
    assert "and 2 more rows" in table._repr_html_()
    assert "more rows" not in repr(sample().table(limit=None))


def test_hostile_labels_are_escaped() -> None:
    recording = sample()
    recording.messages[0].label = "<script>alert(1)</script>"
    assert "<script>" not in recording._repr_html_()


def test_a_sealed_recording_changes_no_more() -> None:
    """Those who still hold an unfinished message hold another one."""
    recorder = Recorder("simulated", 1, "")
    message = recorder.message("request", "a", "b", label="x", sent_us=0)
    sealed = recorder.seal(10)
    message.fate = "late"
    recorder.message("request", "a", "b", label="y", sent_us=1)
    assert ["in flight"] == [row.fate for row in sealed.messages]


@given(
    st.lists(
        st.builds(
            Message,
            id=st.integers(0, 99),
            kind=st.sampled_from(["request", "reply", "event", "ack"]),
            source=st.text(),
            target=st.text(),
            label=st.text(),
            sent_us=st.integers(0, 2**53),
            fate=st.sampled_from(["delivered", "lost", "late"]),
        )
    )
)
def test_any_recording_survives_json(messages) -> None:
    recording = Recording("simulated", 1, messages=messages)
    assert recording == Recording.from_json(recording.to_json())


def test_a_trace_is_what_followed_from_one_first_request() -> None:
    """Messages and spans of others are left out; where and when stays."""
    whole = sample()
    whole.messages[0].trace_id = "t"
    one = whole.trace("t")
    assert [whole.messages[0]] == one.messages
    assert whole.spans == one.spans
    assert whole.nodes == one.nodes
    assert not whole.trace("another").spans
