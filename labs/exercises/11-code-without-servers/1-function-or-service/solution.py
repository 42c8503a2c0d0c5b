import math

from movingparts.scenes.ch11.choice import Choice

DAYS = 30


def choose(load, prices):
    gb_seconds = load.memory_mb / 1024 * load.seconds
    each = prices.per_request + gb_seconds * prices.per_gb_second
    function = DAYS * sum(load.requests) * each

    work = max(load.requests) * load.seconds  # seconds, in the busiest hour
    copies = max(1, math.ceil(work / (3600 * load.busy)))
    hourly = load.cpu * prices.cpu_hour + load.gb * prices.gb_hour
    service = DAYS * 24 * copies * hourly

    cheaper = "function" if function < service else "service"
    return Choice(cheaper, function, service)
