async def run(events, handle, workers):
    failed = []
    for event in events:
        try:
            await handle(event)
        except Exception:
            failed.append(event)
    return failed
