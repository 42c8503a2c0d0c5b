async def append(db, stream, events, expected_version):
    raise NotImplementedError("Exercise 8.2: one winner for each version")
