import httpx
import solution


def rides(node):
    solution.NO_PRICE = (httpx.HTTPError,)
    return solution.rides(node)
