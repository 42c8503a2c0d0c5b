from dataclasses import replace

from solution import policies as right


def policies(calls, rules):
    once = right([replace(call, repeatable=False) for call in calls], rules)
    return {
        name: policy.model_copy(update={"seconds": once[name].seconds})
        for name, policy in right(calls, rules).items()
    }
