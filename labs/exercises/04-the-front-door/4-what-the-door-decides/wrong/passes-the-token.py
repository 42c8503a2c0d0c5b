from solution import door as right


async def door(request, call):
    async def whole(service, path, headers):
        return await call(service, path, {**request.headers, **headers})

    return await right(request, whole)
