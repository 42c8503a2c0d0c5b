from solution import answer as both


async def answer(log, view, sender, mail, rebuild):
    if rebuild:
        sender["position"] = len(log)
    await both(log, view, sender, mail, rebuild)
