def breaking(old, new):
    raise NotImplementedError("Exercise 4.5: find what breaks old apps")
