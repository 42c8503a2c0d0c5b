async def append(db, stream, events, expected_version):
    async with db.transaction() as t:
        for event in events:
            await t.insert(stream, event)
        return await t.version(stream)
