NOUNS = ("Bike", "Rider", "Ride", "Reservation", "Payment")


def sort(board):
    names = [card.name for card in board.events]
    return {
        name: next((noun for noun in NOUNS if name.startswith(noun)), "other")
        for name in names
    }
