from math import ceil, inf

from movingparts.scenes.ch11.plans import plans


def bill(plan, limit, prices):
    total, waits = 0, 0  # from the last function to the first
    for function in reversed(plan):
        ms = sum(step.ms for step in function) + waits
        if ms > limit:
            return inf
        gb = max(step.memory_mb for step in function) / 1024
        total += prices.per_request + ceil(ms) / 1000 * gb * prices.per_gb_second
        waits = ms if function[0].answers else 0
    return total


def best_plan(steps, limit, prices):
    return min(plans(steps), key=lambda plan: bill(plan, limit, prices))
