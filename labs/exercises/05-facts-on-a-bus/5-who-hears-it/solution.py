def problems(services, outside):
    heard = {event for each in services.values() for event in each["on"]}
    published = {event for each in services.values() for event in each["publishes"]}
    return {
        "never published": heard - published,
        "never heard": published - heard - outside,
        "endless": {event for event in heard if event in causes(event, services)},
    }


def causes(event, services):
    found, to_do = set(), [event]
    while to_do:
        new = then(to_do.pop(), services) - found
        found |= new
        to_do += new
    return found


def then(event, services):
    return {new for each in services.values() for new in each["on"].get(event, ())}
