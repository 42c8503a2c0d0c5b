import asyncio

import solution


def rides(node):
    app, lock = solution.rides(node), asyncio.Lock()

    @app.middleware("http")
    async def one_by_one(request, call_next):
        async with lock:
            return await call_next(request)

    return app
