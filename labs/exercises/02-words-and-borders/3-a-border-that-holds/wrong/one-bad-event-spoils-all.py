from solution import translate as right

from movingparts.city.stations.acl import Unreadable


def translate(message):
    items = right(message)
    return [item for item in items if isinstance(item, Unreadable)][:1] or items
