from solution import instance as right


def instance(db, printer):
    handler = right(db, printer)

    def by_content(event, context):
        handler({**event, "id": str(event["data"])}, context)

    return by_content
