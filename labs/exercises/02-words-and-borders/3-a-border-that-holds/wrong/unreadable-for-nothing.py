from solution import Unreadable, translated


def translate(message):
    try:
        return [translated(event, message) for event in message["events"]]
    except LookupError as error:
        return [Unreadable(repr(error), str(event)) for event in message["events"]]
