def next_try(error, failures, age, chance):
    if error == "declined" or age > 898:
        return None
    return 0.5 + chance
