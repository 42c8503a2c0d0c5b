from solution import Reply
from solution import reply as right


def reply(outcome, request_id):
    made = right(outcome, request_id)
    kept = {"x-request-id": request_id}
    return Reply(made.status, made.body, kept, made.log)
