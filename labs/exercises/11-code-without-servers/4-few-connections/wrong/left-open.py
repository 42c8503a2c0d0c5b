async def handler(order, database, post):
    connection = database.connect()
    address = await connection.address_of(order)
    await post.send(order, address)
    await connection.mark_sent(order)
