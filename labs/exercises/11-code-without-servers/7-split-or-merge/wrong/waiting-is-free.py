from dataclasses import replace

from solution import bill, plans


def best_plan(steps, limit, prices):
    def without_waiting(plan):
        silent = [
            tuple(replace(step, answers=False) for step in function)
            for function in plan
        ]
        return bill(silent, limit, prices)

    return min(plans(steps), key=without_waiting)
