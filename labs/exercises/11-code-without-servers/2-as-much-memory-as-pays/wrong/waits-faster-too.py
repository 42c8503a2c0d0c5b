from dataclasses import replace

from solution import best_memory as right


def best_memory(work, terms, limit):
    return right(
        replace(work, computes=work.computes + work.waits, waits=0), terms, limit
    )
