def order(steps):
    if len({step["database"] for step in steps}) == 1:
        return None
    left, names = list(steps), []
    while left:
        ready = [step for step in left if {*step["after"]} <= {*names}]
        chosen = min(ready, key=rank)
        left.remove(chosen)
        names.append(chosen["name"])
    return names


def rank(step):
    """First what can be undone; of the rest, what may be refused comes first."""
    if step["undo"] is None:
        return True, not step["may be refused"]
    return False, step["undo"]
