def must_change(contexts, readings, change):
    raise NotImplementedError("Exercise 2.4: who must change?")
