from solution import WRITE, TooLate


async def handle(timeout_ms, call, write, clock):
    deadline = clock() + timeout_ms

    async def ask(name):
        left = deadline - clock() - WRITE
        for _ in range(5 if left >= 1 else 0):
            try:
                return await call(name, left)
            except ConnectionError:
                continue
            except TimeoutError:
                break
        raise TooLate

    return await write(await ask("rides"), await ask("billing"))
