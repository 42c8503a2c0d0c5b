from solution import Reply
from solution import reply as right


def reply(outcome, request_id):
    made = right(outcome, request_id)
    again = {k: v for k, v in made.headers.items() if k == "retry-after"}
    headers = again if made.log else made.headers
    return Reply(made.status, made.body, headers, made.log)
