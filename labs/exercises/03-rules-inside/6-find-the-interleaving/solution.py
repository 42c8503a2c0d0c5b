def schedule(evening):
    if evening == "two":
        steps = ("look", "ask", "decide", "save")
        return [f"{rider} {step}" for step in steps for rider in ("ada", "bob")]
    return ["ada look", "bob ask", "bob take", "ada ask", "ada decide", "ada save"]
