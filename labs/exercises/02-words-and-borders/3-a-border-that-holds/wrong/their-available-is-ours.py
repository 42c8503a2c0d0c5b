from solution import translate as right

from movingparts.city.stations.model import Docked, Taken


def translate(message):
    items = right(message)
    for n, item in enumerate(items):
        state = message["events"][n]["state"] if isinstance(item, Docked) else []
        if state and state != "available" and state[-1] != "available":
            items[n] = Taken(item.bike_id, item.station_id, item.at)
    return items
