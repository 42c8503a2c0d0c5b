from solution import publish as right


def publish(view, key):
    return {**right(view, key), "last_updated": f"{view.as_of:%Y-%m-%dT%H:%M:%SZ}"}
