import math


def best_memory(work, terms, limit):
    def takes(mb):
        return work.computes * terms.full_cpu_mb / mb + work.waits

    def order(mb):
        return mb * math.ceil(takes(mb) / terms.step), takes(mb)

    possible = [mb for mb in terms.sizes if mb >= work.needs_mb and takes(mb) <= limit]
    return min(possible, key=order, default=None)
