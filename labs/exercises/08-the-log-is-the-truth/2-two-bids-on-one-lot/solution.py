from movingparts.eventstore import ConcurrencyConflict


async def append(db, stream, events, expected_version):
    async with db.transaction() as t:
        actual = await t.version(stream)
        if actual != expected_version:
            raise ConcurrencyConflict(stream, expected_version, actual)
        for event in events:
            await t.insert(stream, event)
        return await t.version(stream)
