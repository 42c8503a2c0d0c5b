def must_change(contexts, readings, change):
    if change.kind == "added":
        return set()
    return {
        context.name
        for context in contexts
        if change.contract in context.reads
        and change.contract not in context.publishes
        and context.takes(change.contract) != "ACL"
        and (
            change.kind == "withdrawn"
            or change.field in readings[context.name, change.contract]
        )
    }
