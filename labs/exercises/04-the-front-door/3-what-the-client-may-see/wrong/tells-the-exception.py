from solution import Reply, problem
from solution import reply as right


def reply(outcome, request_id):
    made = right(outcome, request_id)
    if outcome.error is None:
        return made
    body = problem(made.status, str(outcome.error))
    return Reply(made.status, body, made.headers, made.log)
