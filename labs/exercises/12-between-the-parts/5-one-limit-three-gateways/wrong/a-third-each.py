from solution import alone


async def take(gateway, client):
    return alone(gateway, client)
