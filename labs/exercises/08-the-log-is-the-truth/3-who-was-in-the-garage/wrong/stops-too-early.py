def answer(log, at, tariff):
    entered, cents = {}, 0
    for event in log:
        if event.type in ("CarEntered", "CarLeft"):
            car, then = event.data["car"], event.data["at"]
            if then > at:
                break
            if event.type == "CarEntered":
                entered[car] = then
            elif car in entered:
                cents += tariff(then - entered.pop(car))
    return set(entered), cents
