from solution import TEST, Fault


async def find(injector, ask, calls):
    waits = {}
    for call in calls:
        injector.faults = [Fault(call, header=TEST, delay=10)]
        waits[call] = (await ask(dict([TEST]))).seconds
        injector.faults = []
    return max(waits, key=waits.get)
