from solution import breaking as right


def breaking(old, new):
    def types(part, field):
        both = (each[part]["properties"].get(field) for each in (old, new))
        return {each["type"] for each in both if each}

    return {each for each in right(old, new) if len(types(*each)) < 2}
