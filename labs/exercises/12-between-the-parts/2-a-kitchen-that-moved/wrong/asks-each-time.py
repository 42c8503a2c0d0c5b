from solution import Addresses as Right


class Addresses(Right):
    async def copies(self):
        self.following = None  # so that each call begins to ask
        return await super().copies()
