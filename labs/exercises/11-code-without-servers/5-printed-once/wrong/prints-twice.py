def instance(db, printer):
    def handler(event, context):
        order, key = event["data"], f"{event['source']} {event['id']}"
        with db.transaction() as t:
            if t.has(key):
                return
        printer.print(order["photo"])
        with db.transaction() as t:
            t.save(key)
            t.bill(order["customer"], order["cents"])

    return handler
