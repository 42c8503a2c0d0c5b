from solution import sort as right


def sort(board):
    joined = {"docks": "bikes", "trips": "bikes"}
    return {event: joined.get(name, name) for event, name in right(board).items()}
