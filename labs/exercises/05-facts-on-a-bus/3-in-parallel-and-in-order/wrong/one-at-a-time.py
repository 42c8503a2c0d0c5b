from solution import run as in_parallel


async def run(events, handle, workers):
    return await in_parallel(events, handle, 1)
