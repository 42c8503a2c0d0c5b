from solution import fits


def breaking(old, new):
    names = [(part, name) for part in new for name in new[part]["properties"]]
    return {(part, f) for part, f in names if not fits(f, old[part], new[part])}
