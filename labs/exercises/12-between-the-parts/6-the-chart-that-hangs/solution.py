from movingparts.faults import Fault

TEST = ("x-test", "yes")


async def find(injector, ask, calls):
    for call in calls:
        injector.faults = [Fault(call, header=TEST, delay=10)]
        try:
            opened = [await ask(dict([TEST])) for _ in range(6)]
        finally:
            injector.faults = []
        if max(each.seconds for each in opened) > 5:
            return call
    return "none"
