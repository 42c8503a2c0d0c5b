from solution import handle as right


def handle(dock, message):
    events = right(dock, message)
    return events[:1]
