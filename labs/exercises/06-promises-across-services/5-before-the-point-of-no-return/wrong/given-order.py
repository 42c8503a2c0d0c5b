def order(steps):
    if len({step["database"] for step in steps}) == 1:
        return None
    return [step["name"] for step in steps]
