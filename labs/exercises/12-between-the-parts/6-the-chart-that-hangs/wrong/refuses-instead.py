from solution import TEST, Fault


async def find(injector, ask, calls):
    broken = ""
    for call in calls:
        injector.faults = [Fault(call, header=TEST, abort=503)]
        for _ in range(6):
            if not (await ask(dict([TEST]))).ok:
                broken = call
        injector.faults = []
    return broken
