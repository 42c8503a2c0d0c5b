from movingparts.scenes.ch04.bank import Reply, problem

FOR_CLIENTS = (200, 201, 400, 404, 409, 422)


def reply(outcome, request_id):
    headers, status = {"x-request-id": request_id}, outcome.status
    if status in FOR_CLIENTS:
        return Reply(status, outcome.body, headers)
    if isinstance(outcome.error, TimeoutError):
        status = 504
    elif status not in (429, 503):
        status = 502
    elif "retry-after" in outcome.headers:
        headers["retry-after"] = outcome.headers["retry-after"]
    log = f"{request_id} {outcome.status} {outcome.body} {outcome.error}"
    body = problem(status, "payments are not available")
    return Reply(status, body, headers, log)
