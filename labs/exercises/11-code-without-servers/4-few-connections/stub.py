from movingparts.scenes.ch11.database import TooManyConnections


async def handler(order, database, post):
    raise NotImplementedError("Exercise 11.4: hold a connection only while you ask")
