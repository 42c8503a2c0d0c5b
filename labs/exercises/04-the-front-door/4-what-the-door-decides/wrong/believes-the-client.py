from solution import door as right


async def door(request, call):
    async def claimed(service, path, headers):
        return await call(service, path, {**headers, **own})

    own = {k: v for k, v in request.headers.items() if k == "x-reader"}
    return await right(request, claimed)
