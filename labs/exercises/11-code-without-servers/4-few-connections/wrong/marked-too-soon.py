async def handler(order, database, post):
    with database.connect() as connection:
        address = await connection.address_of(order)
        await connection.mark_sent(order)
    await post.send(order, address)
