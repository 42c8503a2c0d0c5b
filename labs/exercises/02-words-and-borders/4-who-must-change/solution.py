def must_change(contexts, readings, change):
    if change.kind == "added":
        return set()
    publishers = {each.name for each in contexts if change.contract in each.publishes}
    return {
        name
        for (name, contract), fields in readings.items()
        if contract == change.contract and name not in publishers
        if change.kind == "withdrawn" or change.field in fields
    }
