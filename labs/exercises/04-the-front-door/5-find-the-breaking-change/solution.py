def breaking(old, new):
    # Requests come from old apps, answers from the new service.
    sides = {"request": (old, new), "answer": (new, old)}
    return {
        (part, field)
        for part, (sender, reader) in sides.items()
        for field in reader[part]["properties"]
        if not fits(field, sender[part], reader[part])
    }


def fits(field, sent, read):
    if field in read["required"] and field not in sent["required"]:
        return False
    if field not in sent["properties"]:
        return True
    was, now = sent["properties"][field], read["properties"][field]
    if was["type"] != now["type"]:
        return False
    if "enum" not in now:
        return True
    return "enum" in was and set(was["enum"]) <= set(now["enum"])
