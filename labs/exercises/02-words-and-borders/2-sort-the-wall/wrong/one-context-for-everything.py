def sort(board):
    return {card.name: "bike share" for card in board.events}
