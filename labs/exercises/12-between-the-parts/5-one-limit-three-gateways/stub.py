from movingparts.scenes.ch12.weather import BURST, GATEWAYS, RATE, StoreAway


async def take(gateway, client):
    raise NotImplementedError("Exercise 12.5: one limit for three gateways")
