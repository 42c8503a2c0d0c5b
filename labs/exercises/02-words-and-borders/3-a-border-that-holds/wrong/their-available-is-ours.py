from solution import translate as right

from movingparts.city.stations.model import Docked, Taken


def translate(message):
    items = right(message)
    for n, item in enumerate(items):
        state = message["events"][n].get("state")
        if isinstance(item, Docked) and "available" not in (state, state[-1]):
            items[n] = Taken(item.bike_id, item.station_id, item.at)
    return items
