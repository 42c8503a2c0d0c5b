import httpx


def verdict(outcome):
    if isinstance(outcome, httpx.Response):
        return {2: "done", 4: "not done"}.get(outcome.status_code // 100, "unknown")
    never_sent = (httpx.NetworkError, httpx.ConnectTimeout, httpx.PoolTimeout)
    return "not done" if isinstance(outcome, never_sent) else "unknown"
