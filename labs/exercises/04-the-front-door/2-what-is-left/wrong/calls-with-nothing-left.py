from solution import WRITE, TooLate


async def handle(timeout_ms, call, write, clock):
    deadline = clock() + timeout_ms

    async def ask(name):
        for _ in range(50):
            try:
                return await call(name, max(0, deadline - clock() - WRITE))
            except ConnectionError:
                continue
            except TimeoutError:
                break
        raise TooLate

    return await write(await ask("rides"), await ask("billing"))
