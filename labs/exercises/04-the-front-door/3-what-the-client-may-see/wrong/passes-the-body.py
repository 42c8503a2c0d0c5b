from solution import Reply
from solution import reply as right


def reply(outcome, request_id):
    made = right(outcome, request_id)
    if outcome.status is None:
        return made
    return Reply(outcome.status, outcome.body, made.headers, made.log)
