from movingparts.scenes.ch12.weather import BURST, GATEWAYS, RATE, StoreAway


def after(bucket, now, rate, burst):
    """Return the tokens that a bucket has now; a new one is full."""
    if bucket is None:
        return burst
    tokens, at = bucket
    return min(burst, tokens + max(0, now - at) * rate)


async def take(gateway, client):
    try:
        while True:
            bucket = await gateway.store.get(client)
            now = gateway.now()
            tokens = after(bucket, now, RATE, BURST)
            if tokens < 1:
                return False
            if await gateway.store.replace(client, bucket, (tokens - 1, now)):
                return True
    except StoreAway:
        return alone(gateway, client)


def alone(gateway, client):
    now = gateway.now()
    bucket = gateway.memory.get(client)
    tokens = after(bucket, now, RATE / GATEWAYS, BURST / GATEWAYS)
    passes = tokens >= 1
    gateway.memory[client] = (tokens - passes, now)
    return passes
