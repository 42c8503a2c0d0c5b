from solution import allowed, crossing


def deployables(firm):  # each context of a team that releases alone is on its own
    alone = {c for c in firm.contexts if firm.team[c] in firm.releases_alone}
    found = (
        g for g in allowed(firm) if all(len(e) == 1 or not alone & {*e} for e in g)
    )
    return min(found, key=lambda each: (len(each), crossing(firm, each)))
