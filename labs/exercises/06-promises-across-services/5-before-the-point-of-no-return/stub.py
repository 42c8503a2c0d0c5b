def order(steps):
    raise NotImplementedError("Exercise 6.5: order the steps, or say no saga is needed")
