from solution import causes
from solution import problems as right


def problems(services, outside):
    found = right(services, outside)
    heard = {event for each in services.values() for event in each["on"]}
    before = {event for event in heard if causes(event, services) & found["endless"]}
    return found | {"endless": before | found["endless"]}
