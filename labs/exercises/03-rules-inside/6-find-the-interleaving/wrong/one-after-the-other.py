def schedule(evening):
    steps = ("look", "ask", "decide", "save")
    second = steps if evening == "two" else ("ask", "take")
    return [f"ada {step}" for step in steps] + [f"bob {step}" for step in second]
