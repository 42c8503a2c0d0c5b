from solution import ConcurrencyConflict


async def append(db, stream, events, expected_version):
    actual = await db.version(stream)
    if actual != expected_version:
        raise ConcurrencyConflict(stream, expected_version, actual)
    async with db.transaction() as t:
        for event in events:
            await t.insert(stream, event)
        return await t.version(stream)
