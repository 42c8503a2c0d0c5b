from solution import answer as both


async def answer(log, view, sender, mail, rebuild):
    async def nothing(event_id, data):
        pass

    await both(log, {"position": 0, "open": {}}, sender, mail, rebuild)
    await both(log, view, dict(sender), nothing, rebuild)
