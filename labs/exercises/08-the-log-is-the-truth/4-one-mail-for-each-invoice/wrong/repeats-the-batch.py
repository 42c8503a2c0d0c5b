from solution import answer as both


async def answer(log, view, sender, mail, rebuild):
    mailed = dict(sender)
    await both(log, view, mailed, mail, rebuild)
    sender.update(mailed)
