from solution import Fault


async def find(injector, ask, calls):
    slow = ""
    for call in calls:
        injector.faults = [Fault(call, delay=10)]
        for _ in range(6):
            if (await ask()).seconds > 5:
                slow = call
        injector.faults = []
    return slow
