from movingparts.scenes.ch07.clinic import Answer, Refused


def answer(request, view, now):
    if request in ("book", "cancel"):
        raise Refused("only the desk can do that")
    value = view.says[request]
    if request == "hours":
        return Answer(value)
    age = now - max(view.newest, view.complete)
    if request == "allergies" and age > 60:
        raise Refused(f"nobody may act on allergies from {age} seconds ago")
    return Answer(value, age=age)
