from dataclasses import replace

from solution import reply as right


def reply(outcome, request_id):
    made = right(outcome, request_id)
    again = {k: v for k, v in made.headers.items() if k == "retry-after"}
    return replace(made, headers=again)
