import httpx


def verdict(outcome):
    if isinstance(outcome, httpx.Response):
        return {2: "done", 4: "not done"}.get(outcome.status_code // 100, "unknown")
    closed = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
    return "unknown" if isinstance(outcome, closed) else "not done"
