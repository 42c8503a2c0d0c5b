from solution import answer as both


async def answer(log, view, sender, mail, rebuild):
    if rebuild:
        sender["position"] = 0
    await both(log, view, sender, mail, rebuild)
