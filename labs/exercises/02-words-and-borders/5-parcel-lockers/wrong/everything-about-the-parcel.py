NOUNS = ("Parcel", "Door", "Compartment", "Code", "Delivery", "Shop")


def sort_parcels(board):
    names = [card.name for card in board.events]
    return {n: next((x for x in NOUNS if n.startswith(x)), "other") for n in names}
