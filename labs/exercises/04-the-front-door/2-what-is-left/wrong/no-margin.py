from solution import WRITE
from solution import handle as right


async def handle(timeout_ms, call, write, clock):
    return await right(timeout_ms + WRITE, call, write, clock)
