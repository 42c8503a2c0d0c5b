from solution import Reply, problem
from solution import reply as right


def reply(outcome, request_id):
    made = right(outcome, request_id)
    if made.status < 400 or made.log:
        return made
    return Reply(502, problem(502, "it failed"), made.headers, request_id)
