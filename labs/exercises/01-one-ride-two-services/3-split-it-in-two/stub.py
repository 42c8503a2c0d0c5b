def rides(node):
    raise NotImplementedError("Exercise 1.3: split it in two")
