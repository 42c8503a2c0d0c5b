def instance(db, printer):
    handled = set()

    def handler(event, context):
        order, key = event["data"], (event["source"], event["id"])
        if key not in handled:
            printer.print(order["photo"])
            with db.transaction() as t:
                t.bill(order["customer"], order["cents"])
            handled.add(key)

    return handler
