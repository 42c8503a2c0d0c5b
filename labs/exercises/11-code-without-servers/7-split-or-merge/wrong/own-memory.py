from math import ceil, inf

from solution import plans


def bill(plan, limit, prices):
    total, waits = 0, 0
    for function in reversed(plan):
        ms = sum(step.ms for step in function) + waits
        if ms > limit:
            return inf
        per_ms = prices.per_gb_second / 1000 / 1024
        work = sum(ceil(step.ms) * step.memory_mb for step in function)
        work += waits * function[-1].memory_mb
        total += prices.per_request + work * per_ms
        waits = ms if function[0].answers else 0
    return total


def best_plan(steps, limit, prices):
    return min(plans(steps), key=lambda plan: bill(plan, limit, prices))
