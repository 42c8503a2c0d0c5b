from solution import TooManyConnections
from solution import handler as right


async def handler(order, database, post):
    try:
        await right(order, database, post)
    except TooManyConnections:
        return
