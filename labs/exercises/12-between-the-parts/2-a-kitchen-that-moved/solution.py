import asyncio
from contextlib import suppress


class Addresses:
    def __init__(self, registry, clock, tasks):
        self.registry, self.clock, self.tasks = registry, clock, tasks
        self.known, self.out_until = [], {}
        self.first, self.following = asyncio.Event(), None

    async def copies(self):
        if self.following is None:
            self.following = self.tasks.create_task(self.follow())
        await self.first.wait()
        now = self.clock.monotonic()
        good = [c for c in self.known if self.out_until.get(c, 0) <= now]
        return good or list(self.known)

    def failed(self, copy):
        self.out_until[copy] = self.clock.monotonic() + 10

    async def follow(self):
        while True:
            with suppress(ConnectionError):  # an old list is better than none
                self.known = await self.registry.copies() or self.known
            self.first.set()
            await self.clock.sleep(5)
