def next_try(error, failures, age, chance):
    if error == "declined":
        return None
    longest = min(2.0**failures, 60.0)
    wait = longest * (0.5 + 0.5 * chance)
    return wait if age + wait <= 900 else None
