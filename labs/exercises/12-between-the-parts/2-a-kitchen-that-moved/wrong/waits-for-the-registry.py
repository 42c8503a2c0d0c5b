from solution import Addresses as Right


class Addresses(Right):
    asked = -5

    async def copies(self):
        now = self.clock.monotonic()
        if now - self.asked >= 5:
            self.asked = now
            self.known = await self.registry.copies() or self.known
            self.first.set()
        self.following = True
        return await super().copies()
