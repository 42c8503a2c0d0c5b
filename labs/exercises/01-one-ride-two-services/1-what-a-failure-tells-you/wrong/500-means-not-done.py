import httpx


def verdict(outcome):
    if isinstance(outcome, httpx.Response):
        return "done" if outcome.is_success else "not done"
    never_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
    return "not done" if isinstance(outcome, never_sent) else "unknown"
