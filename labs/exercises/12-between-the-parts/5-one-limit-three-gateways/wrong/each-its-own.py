from solution import BURST, RATE, after


async def take(gateway, client):
    now = gateway.now()
    tokens = after(gateway.memory.get(client), now, RATE, BURST)
    passes = tokens >= 1
    gateway.memory[client] = (tokens - passes, now)
    return passes
