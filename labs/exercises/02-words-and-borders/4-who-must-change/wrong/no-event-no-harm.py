def must_change(contexts, readings, change):
    publishers = {each.name for each in contexts if change.contract in each.publishes}
    return {
        name
        for (name, contract), fields in readings.items()
        if contract == change.contract and change.kind != "added"
        if change.field in fields and name not in publishers
    }
