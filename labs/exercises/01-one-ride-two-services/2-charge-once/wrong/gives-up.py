import asyncio

from solution import charge as right


async def charge(node, ride_id, cents):
    async with asyncio.timeout(60):
        await right(node, ride_id, cents)
