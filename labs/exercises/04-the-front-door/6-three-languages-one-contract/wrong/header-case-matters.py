from solution import keeps as right


def keeps(parcel, known, answer):
    if "content-type" not in dict(answer.headers):
        return False
    return right(parcel, known, answer)
