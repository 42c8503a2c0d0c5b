from solution import AnomalyFound, Refused
from solution import handle as right


def handle(dock, message):
    try:
        return right(dock, message)
    except Refused as refused:
        return [AnomalyFound(str(refused), message.at)]
