from movingparts.scenes.ch04.bank import Reply, problem


def reply(outcome, request_id):
    raise NotImplementedError("Exercise 4.3: what may the client see of this?")
