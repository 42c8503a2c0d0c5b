def must_change(contexts, readings, change):
    publisher = change.contract.split(".")[0]
    found = []
    for (name, contract), fields in readings.items():
        if contract != change.contract or name == publisher or change.kind == "added":
            continue
        if change.kind == "withdrawn" or change.field in fields:
            found.append(name)
    return found
