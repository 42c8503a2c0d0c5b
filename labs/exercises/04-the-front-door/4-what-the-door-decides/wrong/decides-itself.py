from solution import Answer
from solution import door as right


async def door(request, call):
    answer = await right(request, call)
    body = dict(answer.body)
    if float(body.get("fee", 0)) > 10:
        body["fee"] = "10.00"
    return Answer(answer.status, body)
