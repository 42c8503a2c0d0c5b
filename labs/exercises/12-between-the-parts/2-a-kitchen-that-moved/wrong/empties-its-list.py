from solution import Addresses as Right


class Addresses(Right):
    async def follow(self):
        while True:
            try:
                self.known = await self.registry.copies()
            except ConnectionError:
                self.known = []
            self.first.set()
            await self.clock.sleep(5)
