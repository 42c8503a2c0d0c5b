"""What a platform has run, as a recording: its instances and what they were sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from movingparts.core.recording import Message, Recorder, Recording
from movingparts.function.contract import Invocation

FAILED = 500


def recorded(
    invocations: Iterable[Invocation],
    *,
    caller: str = "riders",
    label: str = "invoke",
    answer: Callable[[Invocation], str] | None = None,
) -> Recording:
    """Return invocations as messages to their instances: `receipts-2`, for example.

    A request arrives when its instance is ready. A function that waits for another
    is the sender of that request; all others come from `caller`. `answer` words the
    reply of an invocation that is "ok".

    >>> recorded([Invocation("1", "fares", 1, 0.0, "ok", run=0.1, instance=1)])
    <Recording functions: 2 messages among 2 nodes in 0.100 s>
    """
    recorder = Recorder("functions", None, "")
    recorder.join(caller, "caller")
    done = sorted(invocations, key=lambda each: each.began)
    at = {each.id: named(each) for each in done}
    for each in done:
        reply = _record(recorder, each, at.get(each.parent, caller), label)
        if reply is not None and answer is not None and each.status == "ok":
            reply.label, reply.status = answer(each), None
    end = max((each.began + each.took for each in done), default=0.0)
    recording = recorder.seal(_us(end))
    recording.messages.sort(key=lambda message: (message.sent_us, message.id))
    _renumber(recording)
    return recording


def scaling(counts: Sequence[tuple[float, int]]) -> Recording:
    """Return how instances come and go, from how many were up at some seconds.

    A request is one that finds too few instances, so that another one starts.

    >>> scaling([(0, 0), (900, 2), (1800, 1)])
    <Recording functions: 2 messages among 3 nodes in 1800.000 s>
    """
    recorder, there = Recorder("functions", None, ""), 0
    recorder.join("riders", "caller")
    names = [f"instance {n}" for n in range(1, max(n for _, n in counts) + 1)]
    for name in names:
        recorder.join(name, "service")
    for at, count in counts:
        now = round(at * 1_000_000)
        for name in names[there:count]:
            begun = {"sent_us": now, "arrived_us": now, "fate": "delivered"}
            recorder.message("request", "riders", name, label="receipt", **begun)
            recorder.moment(now, "start", (name,), f"{name} starts")
        for name in names[count:there]:
            recorder.moment(now, "end", (name,), f"{name} ends")
        there = count
    return recorder.seal(round(counts[-1][0] * 1_000_000))


def named(done: Invocation) -> str:
    """Return the name of the instance that ran an invocation.

    >>> named(Invocation("1", "fares", 1, 0.0, "ok", instance=3))
    'fares-3'
    """
    return f"{done.function}-{done.instance}" if done.instance else done.function


def _record(
    recorder: Recorder, done: Invocation, source: str, label: str
) -> Message | None:
    name, began = named(done), _us(done.began)
    ready, ended = _us(done.began + done.init), _us(done.began + done.took)
    recorder.join(name, "service")
    refused = done.status == "throttled"
    if done.cold:
        recorder.moment(began, "start", (name,), f"{name} starts")
    asked = recorder.message("request", source, name, label=label, sent_us=began)
    asked.arrived_us, asked.fate = ready, "refused" if refused else "delivered"
    if refused:
        return None
    status = 200 if done.status == "ok" else FAILED
    reply = recorder.message("reply", name, source, label=label, sent_us=ended)
    reply.arrived_us, reply.fate, reply.status = ended, "delivered", status
    reply.answers, reply.note = asked.id, done.error or done.status
    return reply


def _renumber(recording: Recording) -> None:
    """Give messages their place as id again, which their order has changed."""
    numbers = {message.id: place for place, message in enumerate(recording.messages)}
    for message in recording.messages:
        message.id = numbers[message.id]
        if message.answers is not None:
            message.answers = numbers[message.answers]


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)
