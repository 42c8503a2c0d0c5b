from solution import translate as right


def translate(message):
    events = [guessed(event, message["protocol"]) for event in message["events"]]
    return right({**message, "events": events})


def guessed(event, version):  # only milliseconds are that many
    age = event.get("age", 0)
    seconds = age if age < 4_000 else age / 1_000
    return {**event, "age": seconds * {1: 1}.get(version, 1_000)} if age else event
