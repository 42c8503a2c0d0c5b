def sort(board):
    raise NotImplementedError("Exercise 2.2: a context for each event")
