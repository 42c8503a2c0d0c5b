async def handler(order, database, post):
    connection = database.connect()
    address = await connection.address_of(order)
    connection.close()
    await post.send(order, address)
    connection = database.connect()
    await connection.mark_sent(order)
    connection.close()
