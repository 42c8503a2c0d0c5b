import math


def best_memory(work, terms, limit):
    def takes(mb):
        return work.computes / min(1.0, mb / terms.full_cpu_mb) + work.waits

    possible = [mb for mb in terms.sizes if mb >= work.needs_mb and takes(mb) <= limit]
    return min(
        sorted(possible),
        key=lambda mb: mb * math.ceil(takes(mb) / terms.step),
        default=None,
    )
