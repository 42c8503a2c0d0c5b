from movingparts.scenes.ch04.library import Answer, who


async def door(request, call):
    raise NotImplementedError("Exercise 4.4: let in, send on, and decide nothing else")
