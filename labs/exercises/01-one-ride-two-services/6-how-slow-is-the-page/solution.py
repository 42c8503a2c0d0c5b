from random import Random


def slow_pages(times, calls, limit, how):
    chance, wait = Random(1), max if how == "at once" else sum
    pages = [wait(chance.choices(times, k=calls)) for _ in range(5_000)]
    return sum(page > limit for page in pages) / len(pages)
