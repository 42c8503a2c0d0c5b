from solution import run as in_parallel


async def run(events, handle, workers):
    failed = []
    for at in range(0, len(events), workers):
        failed += await in_parallel(events[at : at + workers], handle, workers)
    return failed
