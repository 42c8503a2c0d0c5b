def answer(log, at, tariff):
    seen = [event for event in log if event.type in ("CarEntered", "CarLeft")]
    past = [event for event in seen if event.data["at"] <= at]
    entered, cents = {}, 0
    for event in sorted(past, key=lambda event: event.data["at"]):
        car = event.data["car"]
        if event.type == "CarEntered":
            entered[car] = event.data["at"]
        else:
            cents += tariff(event.data["at"] - entered.pop(car))
    return set(entered), cents
