from solution import problems as right
from solution import then


def problems(services, outside):
    endless = set()
    for start in [event for each in services.values() for event in each["on"]]:
        seen, to_do = {start}, [start]
        while to_do:
            new = then(to_do.pop(), services)
            endless |= new & seen
            to_do += new - seen
            seen |= new
    return right(services, outside) | {"endless": endless}
