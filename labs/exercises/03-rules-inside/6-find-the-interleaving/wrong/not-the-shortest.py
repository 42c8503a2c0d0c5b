def schedule(evening):
    steps = ("look", "ask", "decide", "save")
    both = [f"{rider} {step}" for step in steps for rider in ("ada", "cleo")]
    if evening == "three":
        return both[:4] + ["cleo ask"] + both[4:]
    return [entry.replace("cleo", "bob") for entry in both]
