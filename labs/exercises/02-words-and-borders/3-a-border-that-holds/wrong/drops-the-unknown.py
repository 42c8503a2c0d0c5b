from solution import translate as right

from movingparts.city.stations.acl import Unreadable


def translate(message):
    return [item for item in right(message) if not isinstance(item, Unreadable)]
