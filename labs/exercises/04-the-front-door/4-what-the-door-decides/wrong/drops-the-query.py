from solution import door as right


async def door(request, call):
    async def short(service, path, headers):
        return await call(service, path.partition("?")[0], headers)

    return await right(request, short)
