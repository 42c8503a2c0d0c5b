from solution import bill, plans


def best_plan(steps, limit, prices):
    def by_step(plan):
        unused = 0
        for function in plan:
            mb = max(step.memory_mb for step in function)
            unused += sum((mb - step.memory_mb) * step.ms for step in function)
        return bill(plan, limit, prices) - unused / 1024e3 * prices.per_gb_second

    return min(plans(steps), key=by_step)
