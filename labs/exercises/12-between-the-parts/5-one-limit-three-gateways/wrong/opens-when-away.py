from solution import BURST, RATE, StoreAway, after


async def take(gateway, client):
    try:
        while True:
            bucket = await gateway.store.get(client)
            tokens = after(bucket, gateway.now(), RATE, BURST)
            new = (tokens - 1, gateway.now())
            if tokens < 1 or await gateway.store.replace(client, bucket, new):
                return tokens >= 1
    except StoreAway:
        return True
