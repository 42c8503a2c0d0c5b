def instance(db, printer):
    def handler(event, context):
        order = event["data"]
        key = f"{event['source']} {event['id']}"
        printer.print(order["photo"], key)
        with db.transaction() as t:
            if not t.has(key):
                t.save(key)
                t.bill(order["customer"], order["cents"])

    return handler
