from movingparts.control_plane import Policy


def policies(calls, rules):
    raise NotImplementedError("Exercise 12.7: who may call whom, and for how long")
