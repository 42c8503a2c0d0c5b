from solution import Choice
from solution import choose as right


def choose(load, prices):
    gb, seconds = load.memory_mb / 1024, 30 * 24 * 3600
    function = gb * seconds * prices.per_gb_second
    service = right(load, prices).service
    cheaper = "function" if function < service else "service"
    return Choice(cheaper, function, service)
