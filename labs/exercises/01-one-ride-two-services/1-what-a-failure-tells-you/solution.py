import httpx


def verdict(outcome):
    if isinstance(outcome, httpx.Response):
        kind = outcome.status_code // 100
        return {2: "done", 4: "not done"}.get(kind, "unknown")
    never_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
    return "not done" if isinstance(outcome, never_sent) else "unknown"
