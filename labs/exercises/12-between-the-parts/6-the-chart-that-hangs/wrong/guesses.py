async def find(injector, ask, calls):
    return max(calls, key=len)
