"""The ledger: two ends tell of one call, in any order."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from typing import Any

import pytest

from movingparts.core.recording import Recorder, Recording, Span
from movingparts.world.local.ledger import Ledger, Mirror, Reporter

LINK = {"label": "POST /charges", "trace_id": "t", "span_id": "s"}
ASKED = {"request": {"source": "rides", "target": "pricing", "sent_us": 10, **LINK}}
ARRIVED = {"arrived_us": 20}
ANSWERED = {"reply": {"source": "pricing", "target": "rides", "sent_us": 30, **LINK}}
RECEIVED = {"received_us": 40}
LEFT = {"left": True}


def reported(*notes: dict[str, Any]) -> Recording:
    recorder = Recorder("local", None, "")
    ledger = Ledger(recorder)
    for note in notes:
        ledger.note("call", **note)
    return recorder.recording(50)


@pytest.mark.parametrize(
    "notes", list(itertools.permutations([ASKED, ARRIVED, ANSWERED, RECEIVED]))
)
def test_a_call_is_the_same_in_whatever_order_its_ends_tell_of_it(
    notes: tuple[dict[str, Any], ...],
) -> None:
    messages = {message.kind: message for message in reported(*notes).messages}
    request, reply = messages["request"], messages["reply"]
    assert ("delivered", 10, 20) == (request.fate, request.sent_us, request.arrived_us)
    assert ("delivered", 30, 40) == (reply.fate, reply.sent_us, reply.arrived_us)
    assert request.id == reply.answers


def test_what_another_language_does_is_known_from_its_callers_end() -> None:
    """Its process notes nothing; when the request arrived is put in the middle."""
    recorder = Recorder("local", None, "")
    ledger = Ledger(recorder)
    ledger.reports("pricing", reports=False)
    span = Span("call", "t", "", "client", "rides", "pricing", "POST /charges", 10)
    span.status = 201
    ledger.span(span)
    ledger.note("call", **ASKED)
    ledger.note("call", **RECEIVED)
    request, reply = recorder.recording(50).messages
    assert ("delivered", 25) == (request.fate, request.arrived_us)
    assert ("delivered", 40) == (reply.fate, reply.arrived_us)
    assert (request.id, 201, "pricing") == (reply.answers, reply.status, reply.source)


@pytest.mark.parametrize(
    "notes", list(itertools.permutations([ASKED, ARRIVED, ANSWERED, LEFT]))
)
def test_a_reply_to_a_caller_that_has_left_is_late(
    notes: tuple[dict[str, Any], ...],
) -> None:
    messages = {message.kind: message for message in reported(*notes).messages}
    assert ("late", 30) == (messages["reply"].fate, messages["reply"].arrived_us)
    assert "delivered" == messages["request"].fate


def test_a_request_of_which_nobody_says_that_it_arrived_is_in_flight() -> None:
    (message,) = reported(ASKED, LEFT).messages
    assert ("in flight", None) == (message.fate, message.arrived_us)


@pytest.mark.parametrize(
    "notes", list(itertools.permutations([ASKED, {"refused": "no"}]))
)
def test_a_refused_request_says_why(notes: tuple[dict[str, Any], ...]) -> None:
    (message,) = reported(*notes).messages
    assert ("refused", "no") == (message.fate, message.note)


def test_a_call_that_is_over_is_forgotten() -> None:
    ledger = Ledger(Recorder("local", None, ""))
    for note in (ASKED, ARRIVED, ANSWERED):
        ledger.note("call", **note)
    assert "<Ledger: 1 calls under way>" == repr(ledger)
    ledger.note("call", **RECEIVED)
    assert "<Ledger: 0 calls under way>" == repr(ledger)


def through_json(report: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(report))
    return copied


def test_a_report_from_elsewhere_is_entered_as_if_noted_here() -> None:
    recorder = Recorder("local", None, "")
    ledger = Ledger(recorder)
    reporter = Reporter(lambda report: ledger.take(through_json(report)))
    span = Span("s", "t", "", "server", "pricing", "rides", "POST /charges", 20)
    reporter.span(span)
    for note in (ASKED, ARRIVED, ANSWERED, RECEIVED):
        reporter.note("call", **note)
    span.end_us, span.outcome, span.status = 30, "ok", 201
    reporter.span(span)
    recording = recorder.recording(50)
    assert reported(ASKED, ARRIVED, ANSWERED, RECEIVED).messages == recording.messages
    assert [span] == recording.spans
    assert recording.spans[0] is not span


def test_a_mirrored_message_follows_its_original() -> None:
    """Its number, and the numbers it refers to, become the ledger's own."""
    recorder = Recorder("local", None, "")
    recorder.message("event", "x", "bus", label="first", sent_us=1)
    ledger, mirror = Ledger(recorder), Mirror("pricing-1")
    asked = mirror.message("request", "pricing", "bus", label="ask", sent_us=2)
    answer = mirror.message("reply", "bus", "pricing", label="ask", sent_us=3)
    answer.answers = asked.id
    span = mirror.span(Span("s", "t", "", "producer", "pricing", "bus", "ask", 2))

    def pass_on() -> int:
        reports = mirror.news()
        for report in reports:
            ledger.take(through_json(report))
        return len(reports)

    assert 3 == pass_on()
    assert 0 == pass_on()
    asked.fate, asked.arrived_us = "delivered", 4
    span.end_us, span.outcome = 5, "ok"
    assert 2 == pass_on()
    recording = recorder.recording(9)
    _, copied, copied_answer = recording.messages
    assert {**asdict(asked), "id": 1} == asdict(copied)
    assert 1 == copied_answer.answers
    assert [span] == recording.spans
    assert 0 == pass_on(), "what has ended does not change any more"
