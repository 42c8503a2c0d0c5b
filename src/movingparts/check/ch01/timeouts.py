"""Exercise 1.4: a budget of time."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.search import Trial, play, shrunk
from movingparts.check.verdict import Complaint, Rejected
from movingparts.world.core import Node, Recording, Uniform
from movingparts.world.core.random import stream

SEEDS = range(48)
WORK = 0.040  # seconds that a service works at most before it calls the next
HOP = 0.010  # seconds that a message is under way at most
MISSED = 0.1  # share of the rides that could have been answered that may be missed


@dataclass(frozen=True, slots=True)
class _Chain:
    """One chain of services, and how long its last one takes."""

    depth: int
    budget: float
    last: float
    lost: bool
    hop: int  # the service whose request or reply is lost
    way: str

    @classmethod
    def of(cls, seed: int) -> _Chain:
        rng = stream(seed, "chain")
        depth = 2 + rng.randrange(4)
        budget = round(0.6 + rng.random(), 1)
        last = 0.05 + rng.random() * budget * 1.1
        hop, way = 2 + rng.randrange(depth - 1), ("request", "reply")[seed // 4 % 2]
        return cls(depth, budget, last, seed % 4 == 3, hop, way)

    @property
    def reachable(self) -> bool:
        """Whether the rider could have had an answer within the budget."""
        left = self.budget - (self.depth - 1) * (WORK + 2 * HOP)
        return not self.lost and self.last + WORK + 2 * HOP <= left


def _service(number: int, chain: _Chain, timeouts: list[float]) -> Any:
    def factory(node: Node) -> FastAPI:
        app = FastAPI()

        @app.get("/price")
        async def price() -> dict[str, int]:
            await node.clock.sleep(WORK * (0.5 + node.random.random() / 2))
            if number == chain.depth:
                await node.clock.sleep(chain.last)
                return {"cents": 280}
            try:
                reply = await node.client.get(
                    f"http://hop-{number + 1}/price", timeout=timeouts[number]
                )
            except httpx.TimeoutException:
                raise HTTPException(504, "the next service took too long") from None
            if reply.status_code != 200:
                raise HTTPException(504, "the next service has no answer")
            return {"cents": reply.json()["cents"]}

        return app

    return factory


def _asked(answer: Answer, chain: _Chain) -> list[float]:
    said = answer(chain.depth, chain.budget)
    called = f"timeouts({chain.depth}, {chain.budget})"
    if type(said) not in {list, tuple} or len(said) != chain.depth:
        wanted = f"a list of {chain.depth} numbers"
        raise Rejected("garbage", f"`{called}` returned {shown(said)}, not {wanted}.")
    for value in said:
        if type(value) not in {int, float} or not 0 < value < 1e6:
            text = (
                f"`{called}` has {shown(value)} in it: a timeout is an int or a float,"
                " in seconds, over 0 and under a million."
            )
            raise Rejected("garbage", text)
    if said[0] > chain.budget + 1e-9:
        text = (
            f"The rider waits {chain.budget:g} s; the first timeout is {said[0]:g} s."
        )
        raise Rejected("over-budget", text)
    return [float(value) for value in said]


def attempt(answer: Answer, seed: int, without: Collection[str]) -> Trial:
    """Send one request down a chain, and see who works for whom."""
    chain = _Chain.of(seed)
    values = _asked(answer, chain)

    async def scenario(world: Any) -> Complaint | None:
        world.network.everywhere(latency=Uniform(0.5 * HOP, HOP))
        for number in range(1, chain.depth + 1):
            await world.serve(f"hop-{number}", _service(number, chain, values))
        if chain.lost:
            end = "target" if chain.way == "request" else "source"
            world.network.lose(**{end: f"hop-{chain.hop}"}, kind=chain.way)
        reply = None
        try:
            client = world.client("rider", timeout=values[0])
            reply = await client.get("http://hop-1/price")
        except httpx.TimeoutException:
            pass
        await world.clock.sleep(20)
        wasted = _wasted(world.recording, chain.depth)
        if wasted:
            return _overrun(values, wasted)
        if chain.reachable and (reply is None or reply.status_code != 200):
            return _short(values, chain)
        return None

    return play(scenario, seed, without, until=120)


def _wasted(recording: Recording, depth: int) -> str:
    """Return who worked on for a caller who had given up, and how long, in words.

    The last service of the chain waits for nobody and so cannot know; it is let off.
    """
    gave_up = {
        span.span_id: span
        for span in recording.spans
        if span.kind == "client" and span.note == "read timeout"
    }
    for span in recording.spans:
        caller = gave_up.get(span.parent_id)
        if span.kind != "server" or caller is None or span.node == f"hop-{depth}":
            continue
        end = recording.duration_us if span.end_us is None else span.end_us
        late = end - (caller.end_us or 0)
        if late > 0:
            return (
                f"{span.node} worked on for {late / 1000:,.1f} ms after {caller.node}"
            )
    return ""


def _overrun(values: list[float], wasted: str) -> Complaint:
    text = f"{wasted} had given up. "
    pairs = list(itertools.pairwise(values))
    if max(values) - min(values) < 1e-9:
        text += (
            "All timeouts are the same; but an inner call starts later than the outer"
            " one, so its caller gives up first."
        )
        return Complaint("same-everywhere", text)
    if any(inner > outer + 1e-9 for outer, inner in pairs):
        text += "The timeouts grow inwards: those who wait for others give up first."
        return Complaint("grows-inwards", text)
    text += (
        "Each timeout has to leave room for what comes before the next call: up to"
        f" {WORK * 1000:.0f} ms of work and {HOP * 1000:.0f} ms on the way there. The"
        f" {HOP * 1000:.0f} ms of the way back are a margin that lets the reply arrive."
    )
    return Complaint("ignores-hop-time", text)


def _short(values: list[float], chain: _Chain) -> Complaint:
    last = chain.last + WORK + 2 * HOP
    whole = last + (chain.depth - 1) * (WORK + 2 * HOP)
    said = ", ".join(f"{value * 1000:,.0f}" for value in values)
    text = (
        f"With all work and hops the price takes up to {whole * 1000:,.0f} ms, within"
        f" the rider's {chain.budget:g} s, and the rider got none: the timeouts were"
        f" {said} ms, and the last call alone takes up to {last * 1000:,.0f} ms."
        " Nobody's time was wasted, and the ride was."
    )
    return Complaint("too-short", text, rank=2)


def judge(answer: Answer) -> Judgement:
    """Send a request down each of many chains."""
    trials = [attempt(answer, seed, ()) for seed in SEEDS]
    reachable = sum(_Chain.of(seed).reachable for seed in SEEDS)
    failing = [trial for trial in trials if trial.complaint is not None]
    missed = [trial for trial in failing if trial.size[0] == 2]
    if len(missed) <= MISSED * reachable:
        failing = [trial for trial in failing if trial.size[0] < 2]
    if failing:
        first = min(failing, key=lambda trial: trial.size)
        return Judgement(shrunk(lambda s, w: attempt(answer, s, w), first))
    return Judgement(
        praise=f"{len(SEEDS)} chains: nobody worked for a caller who had given up, and"
        f" {reachable - len(missed)} of the {reachable} riders who could be answered in"
        " time were."
    )


TIMEOUTS = Exercise(
    id="1.4",
    title="A budget of time",
    difficulty="medium",
    lab="01-one-ride-two-services",
    statement=(
        "A rider waits `budget` seconds for a price that comes through a chain of"
        " `depth` calls. Write `timeouts(depth, budget)`: a list of the timeouts of"
        " each call in seconds, the rider's own first. A service works up to 40 ms"
        " before it calls the next, and a message is under way up to 10 ms. No service"
        " may go on working for a caller who has given up, and a price that can arrive"
        " in time should. The last service cannot know; it is let off."
    ),
    stub=(
        "def timeouts(depth, budget):\n"
        '    raise NotImplementedError("Exercise 1.4: one timeout for each call")\n'
    ),
    hints=(
        (
            "Draw the chain with time running down. When does the second call start,"
            " seen from the first? When must it have ended?"
        ),
        (
            "Each inner call starts later than its outer one by a hop and the work"
            " before it, and its end should have time to travel one hop back."
        ),
        (
            "Every timeout is 60 ms (40 + 10 + 10) less than the one outside it, and"
            " the first is the whole budget: `[budget - 0.06 * n for n in"
            " range(depth)]`. 50 ms are needed; the last 10 let a late answer through."
        ),
    ),
    transfer=(
        (
            "A food delivery app promises an answer in 2 s. It asks the restaurant,"
            " which asks its kitchen display. Both time out after 2 s. Who cooks for"
            " nobody?"
        ),
        (
            "The kitchen display may take the order at the last moment of its 2 s; the"
            " app has told the customer by then that nothing came of it. Its timeout"
            " must end earlier than the restaurant's by the way there and back, and"
            " that one earlier than the app's."
        ),
    ),
    call=Call("timeouts", ("depth", "budget")),
    judge=judge,
)
