from solution import TEST, Fault


async def find(injector, ask, calls):
    for call in calls:
        injector.faults = [Fault(call, header=TEST, delay=10)]
        for _ in range(6):
            if (await ask(dict([TEST]))).seconds > 5:
                return call
    return "none"
