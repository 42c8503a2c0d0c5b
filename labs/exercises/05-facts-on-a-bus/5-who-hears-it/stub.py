def problems(services, outside):
    raise NotImplementedError("Exercise 5.5: who hears it, and does it ever end?")
