from solution import problems as right
from solution import then


def problems(services, outside):
    heard = {event for each in services.values() for event in each["on"]}
    published = {new for event in heard for new in then(event, services)}
    return right(services, outside) | {"never published": heard - published}
