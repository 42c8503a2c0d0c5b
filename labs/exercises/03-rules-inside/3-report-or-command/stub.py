def handle(dock, message):
    raise NotImplementedError("Exercise 3.3: refuse, believe or wonder")
