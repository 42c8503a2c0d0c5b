def explain(events):
    state, took = {"balance": 0, "blocked": False}, {}
    because = {"balance": 0, "blocked": 0}
    for event in events:
        before = dict(state)
        match event["type"]:
            case "Loaded":
                state["balance"] += event["cents"]
            case "Paid":
                took[event["number"]] = event["cents"]
                state["balance"] -= event["cents"]
            case "PaymentCorrected":
                state["balance"] += took[event["payment"]] - event["cents"]
                took[event["payment"]] = event["cents"]
            case "Blocked" | "Unblocked":
                state["blocked"] = event["type"] == "Blocked"
        changed = [key for key, value in state.items() if value != before[key]]
        because |= dict.fromkeys(changed, event["number"])
    return {key: (value, because[key]) for key, value in state.items()}
