import math


def best_memory(work, terms, limit):
    def takes(mb):
        cpu = min(1.0, mb / terms.full_cpu_mb)
        return work.computes / cpu + work.waits

    def price(mb):
        return mb * math.ceil(takes(mb) / terms.step)

    possible = [mb for mb in terms.sizes if mb >= work.needs_mb and takes(mb) <= limit]
    return min(possible, key=lambda mb: (price(mb), takes(mb)), default=None)
