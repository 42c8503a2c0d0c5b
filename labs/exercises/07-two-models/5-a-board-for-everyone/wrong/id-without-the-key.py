from solution import publish as right


def publish(view, key):
    return right(view, b"")
