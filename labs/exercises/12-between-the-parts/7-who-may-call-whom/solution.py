from movingparts.control_plane import Policy


def policies(calls, rules):
    every = [*calls, *rules.rare]
    needed = [c for c in every if (c.caller, c.service) not in rules.forbidden]

    def attempts(service):
        repeatable = [c.repeatable for c in needed if c.service == service]
        return 2 if all(repeatable) else 1

    def seconds(service):
        own = [c.p99 for c in needed if c.service == service]
        called = {c.service for c in needed if c.caller == service}
        return max(own + [attempts(each) * seconds(each) for each in called])

    def callers(service):
        if service in rules.public:
            return None
        return tuple(sorted({c.caller for c in needed if c.service == service}))

    return {
        name: Policy(
            callers=callers(name), attempts=attempts(name), seconds=seconds(name)
        )
        for name in {call.service for call in needed}
    }
