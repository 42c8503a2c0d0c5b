from solution import handle as right


async def handle(timeout_ms, call, write, clock):
    start = clock()

    async def whole(name, left):
        return await call(name, left + clock() - start)

    return await right(timeout_ms, whole, write, clock)
