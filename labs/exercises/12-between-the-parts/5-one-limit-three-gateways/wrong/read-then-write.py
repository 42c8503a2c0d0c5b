from solution import BURST, RATE, StoreAway, after, alone


async def take(gateway, client):
    try:
        bucket = await gateway.store.get(client)
        tokens = after(bucket, gateway.now(), RATE, BURST)
        await gateway.store.set(client, (tokens - (tokens >= 1), gateway.now()))
    except StoreAway:
        return alone(gateway, client)
    return tokens >= 1
