def explain(events):
    raise NotImplementedError("Exercise 8.1: compute the state from the events")
