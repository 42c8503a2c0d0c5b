from solution import instance as right


def instance(db, printer):
    handler = right(db, printer)

    def by_request(event, context):
        handler({**event, "id": context.aws_request_id}, context)

    return by_request
