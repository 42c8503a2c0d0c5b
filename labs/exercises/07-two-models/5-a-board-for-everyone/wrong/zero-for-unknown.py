from solution import Counter
from solution import publish as right


def publish(view, key):
    waiting = Counter(each.room for each in view.patients)
    rooms = [{"room": room, "waiting": waiting[room]} for room in view.reported]
    return {**right(view, key), "rooms": rooms}
