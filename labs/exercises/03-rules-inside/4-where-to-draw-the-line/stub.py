def decide(case, measure):
    raise NotImplementedError("Exercise 3.4: how large is an aggregate?")
