"""A function's value goes on as an event, at least once, under one id."""

from movingparts.core.bus import BusTimeout
from movingparts.core.event import Event
from movingparts.core.random import Constant
from movingparts.function import (
    Destination,
    Platform,
    Profile,
    Retry,
    SimulatedBackend,
    Subject,
)
from movingparts.world.simulated import SimulatedWorld, simulate

TWICE = """
def handler(event, context):
    return {"n": event["data"]["n"] * 2}
"""
DOUBLED = Destination("numbers.doubled", "NumberDoubled")


class Deaf:
    """A bus that doesn't confirm the first `misses` events, but may have them."""

    def __init__(self, misses):
        self.misses, self.got = misses, []

    async def publish(self, subject, event):
        self.got.append((subject, event))
        if len(self.got) <= self.misses:
            raise BusTimeout("not confirmed")


async def platform_of(node, profile=None, **options):
    profiles = {"twice": profile or Profile()}
    backend = SimulatedBackend(node.clock, node.random, profiles)
    platform = Platform(node, backend)
    retry = Retry(retries=2, first=1.0)
    await platform.deploy("twice", TWICE, on_success=DOUBLED, retry=retry, **options)
    return platform


def test_a_value_triggers_the_next_function():
    async def scenario(world: SimulatedWorld):
        node = world.node("functions")
        await node.bus.stream("numbers", "numbers.>")
        given = Subject("numbers.given")
        platform = await platform_of(node, triggers=(given,))
        again = (Subject("numbers.doubled"),)
        await platform.deploy("again", TWICE, triggers=again)
        await node.bus.publish("numbers.given", Event("1", "/x", "Given", {"n": 3}))
        await node.clock.sleep(5)
        return [(done.function, done.value) for done in platform.invocations]

    expected = [("twice", {"n": 6}), ("again", {"n": 12})]
    assert expected == simulate(scenario, seed=1).result


def test_who_waits_for_a_value_is_the_only_one_who_gets_it():
    async def scenario(world: SimulatedWorld):
        node = world.node("functions")
        node.bus = Deaf(0)
        platform = await platform_of(node)
        done = await platform.invoke("twice", {"data": {"n": 3}})
        return done.value, node.bus.got

    assert ({"n": 6}, []) == simulate(scenario, seed=1).result


def test_a_value_that_is_not_confirmed_is_published_again_under_the_same_id():
    async def scenario(world: SimulatedWorld):
        node = world.node("functions")
        node.bus = Deaf(1)
        platform = await platform_of(node)
        platform.send("twice", {"data": {"n": 3}}, request_id="17")
        await node.clock.sleep(60)
        events = [event for _, event in node.bus.got]
        return [(e.id, e.type, e.data) for e in events], len(platform.queue)

    event = ("17", "NumberDoubled", {"n": 6})
    assert ([event, event], 0) == simulate(scenario, seed=1).result


def test_a_function_that_fails_publishes_nothing():
    async def scenario(world: SimulatedWorld):
        node = world.node("functions")
        node.bus = Deaf(0)
        platform = await platform_of(node, Profile(run=Constant(99.0)))
        platform.send("twice", {"data": {"n": 3}})
        await node.clock.sleep(60)
        return node.bus.got, len(platform.invocations), len(platform.queue)

    assert ([], 3, 0) == simulate(scenario, seed=1).result
