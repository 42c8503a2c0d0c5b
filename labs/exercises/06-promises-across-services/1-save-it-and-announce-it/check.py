"""Checks exercise 6.1: the broker is silent, changes fail, and the process dies."""

import inspect
from contextlib import suppress

from movingparts.check import Check, Law, always, of
from movingparts.scenes.ch05.redelivery import Crash
from movingparts.scenes.ch06.relaying import Rides

SILENT = {"silent": {2: False}, "taken": {2: True}, "meanwhile": {1: False}}
KINDS = [(kind, 0) for kind in ("plain", "refused", *SILENT)]
KINDS += [("crash", step) for step in range(1, 31)]


async def run(world, answer, run):
    kind, step = KINDS[run.seed]
    path = world.node("rides").disk.path / "data.sqlite"
    rides = Rides(path, kind, lambda *given: pair(answer.made(*given)))
    rides.silent, rides.step = SILENT.get(kind, {}), step
    rides.is_pair = rides.save is not None
    if rides.is_pair:
        try:
            await play(rides)
        except Exception as error:  # noqa: BLE001  # whatever an answer raises
            rides.error = f"{type(error).__name__}: {error}"
    rides.stop()
    run.see(rides)


def pair(made):
    good = isinstance(made, tuple) and len(made) == 2
    return made if good and all(map(inspect.iscoroutinefunction, made)) else (None,) * 2


async def play(rides):
    rides.died_in, rides.swallowed = "", False
    rides.db.left, rides.db.happen = rides.step, rides.db.die
    with suppress(Crash):
        for ride in ("ride-9", "ride-10", "ride-2"):
            await rides.end(ride)
        if rides.kind == "refused":
            with suppress(LookupError):
                await rides.end("ride-0", refuse=True)
                rides.swallowed = True
        rides.meanwhile = ["ride-3"] * (rides.kind == "meanwhile")
        await rides.publish_all()
        rides.phase = ""
    if rides.kind == "crash":
        rides.died_in = rides.phase
        rides.stop()
        rides.start()
    await rides.end("ride-1")
    await rides.publish_all()


def nothing_left(rides):
    return not rides.swallowed and "ride-0" not in rides.saved + rides.first


def in_order(rides):
    rides.order = [ride for ride in rides.saved if ride in rides.first]
    return [ride for ride in rides.first if ride in rides.order] == rides.order


def all_announced(rides):
    rides.missing = [ride for ride in rides.saved if ride not in rides.first]
    return not rides.missing


LAWS = (
    Law("not-a-pair", always, lambda r: r.is_pair),
    Law("publishes-before-the-commit", always, lambda r: not r.early),
    Law("keeps-raising", always, lambda r: not r.error),
    Law("keeps-half", always, nothing_left),
    Law("not-once-each", of("plain"), lambda r: sorted(r.saved) == sorted(r.announced)),
    Law("another-event", always, lambda r: all(each in r.sent for each in r.events)),
    Law("loses-the-order", always, in_order),
    Law(
        "two-transactions",
        lambda r: r.died_in == "save",
        lambda r: set(r.saved) == set(r.first),
    ),
    Law("deletes-before-publishing", always, all_announced),
)
CHECK = Check(run=run, seeds=range(len(KINDS)), laws=LAWS)
