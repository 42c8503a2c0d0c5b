from solution import ConcurrencyConflict
from solution import append as append_or_raise


async def append(db, stream, events, expected_version):
    try:
        return await append_or_raise(db, stream, events, expected_version)
    except ConcurrencyConflict:
        return await db.version(stream)
