"""The contract of `weather`, as checks that speak nothing but HTTP and signals."""

from __future__ import annotations

from typing import Any

import httpx

from movingparts.scenes.ch04.weather.rig import Rig

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Broken(Exception):
    """The service does not keep its contract; the message says how."""


def expect(expected: object, actual: object) -> None:
    """Raise `Broken` unless the two are equal."""
    if expected != actual:
        raise Broken(f"{actual}, not {expected}")


def expect_json(answer: httpx.Response, kind: str, **fields: Any) -> None:
    """Expect JSON of that media type with these fields; others may come beside them."""
    found, _, _ = answer.headers["content-type"].partition(";")
    expect(kind, found)
    body = answer.json()
    expect(fields, {name: body.get(name) for name in fields})


async def answers(weather: Rig) -> None:
    """Answer with the station and its degrees."""
    answer = await weather.get("/stations/harbor")
    expect(200, answer.status_code)
    expect_json(answer, "application/json", at="harbor", celsius=14)


async def errors(weather: Rig) -> None:
    """Explain errors as problem details."""
    answer = await weather.get("/stations/nowhere")
    expect(404, answer.status_code)
    expect_json(answer, "application/problem+json", status=404)


async def health(weather: Rig) -> None:
    """Say that you are healthy."""
    expect(200, (await weather.get("/health")).status_code)


async def trace(weather: Rig) -> None:
    """Pass the trace on."""
    await weather.get("/stations/harbor", traceparent=TRACE)
    if weather.sensors.trace not in TRACE:
        raise Broken("the sensors see another trace")


async def deadline(weather: Rig) -> None:
    """Give up when the caller does."""
    answer = await weather.get("/stations/lighthouse", timeout_ms="50")
    expect(504, answer.status_code)


async def shutdown(weather: Rig) -> None:
    """Finish your answer, then end within a second."""
    answer, seconds = await weather.stopped_while_asked("/stations/lighthouse")
    expect(200, answer and answer.status_code)
    if seconds > 1:
        raise Broken("it takes longer")


CONTRACT = (answers, errors, health, trace, deadline, shutdown)


async def kept(weather: Rig) -> dict[str, str]:
    """Return for each check whether the service passes it, and if not, why."""
    found = {}
    for check in CONTRACT:
        rule = str(check.__doc__).rstrip(".")
        try:
            await check(weather)
        except (Broken, httpx.HTTPError) as error:
            found[rule] = f"no: {error}"
        else:
            found[rule] = "yes"
    return found
