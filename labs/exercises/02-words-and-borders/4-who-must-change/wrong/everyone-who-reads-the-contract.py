def must_change(contexts, readings, change):
    return [
        context.name
        for context in contexts
        if change.contract in context.reads and change.contract not in context.publishes
    ]
