def instance(db, printer):
    def handler(event, context):
        order, key = event["data"], f"{event['source']} {event['id']}"
        with db.transaction() as t:
            if t.has(key):
                return
            t.save(key)
            t.bill(order["customer"], order["cents"])
        printer.print(order["photo"], key)

    return handler
