from solution import append as append_all


async def append(db, stream, events, expected_version):
    for number, event in enumerate(events, start=expected_version):
        version = await append_all(db, stream, [event], number)
    return version
