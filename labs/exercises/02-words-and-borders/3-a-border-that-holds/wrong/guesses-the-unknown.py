from solution import translate as right


def translate(message):  # version 3 will be like version 2
    return right({**message, "protocol": min(message["protocol"], 2)})
