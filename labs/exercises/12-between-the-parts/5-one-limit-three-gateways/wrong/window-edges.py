from solution import BURST, RATE, StoreAway, alone


async def take(gateway, client):
    key = client, gateway.now() // (BURST / RATE)
    try:
        while (count := await gateway.store.get(key) or 0) < BURST:
            if await gateway.store.replace(key, count or None, count + 1):
                return True
    except StoreAway:
        return alone(gateway, client)
    return False
