from movingparts.scenes.ch11.database import TooManyConnections


async def handler(order, database, post):
    with database.connect() as connection:
        address = await connection.address_of(order)
    await post.send(order, address)
    with database.connect() as connection:
        await connection.mark_sent(order)
