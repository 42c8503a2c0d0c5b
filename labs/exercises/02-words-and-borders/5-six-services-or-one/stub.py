def deployables(firm):
    raise NotImplementedError("Exercise 2.5: six services or one?")
