from solution import must_change as right


def must_change(contexts, readings, change):
    behind = {each.name for each in contexts if each.takes(change.contract) == "ACL"}
    return right(contexts, readings, change) - behind
