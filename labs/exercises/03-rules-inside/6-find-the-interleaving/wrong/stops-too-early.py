def schedule(evening):
    riders = ("ada", "bob") if evening == "two" else ("ada", "cleo")
    steps = ("look", "ask")
    return [f"{rider} {step}" for step in steps for rider in riders]
