"""How a proxy passes requests on, and answers back: all but what ends at each hop."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import Request, Response

from movingparts.core import Node
from movingparts.service import problem

# What belongs to one connection, or is said anew for the next one.
HOP = {"connection", "content-length", "keep-alive", "te", "transfer-encoding"}
HOP |= {"accept-encoding", "content-encoding", "host", "traceparent", "upgrade"}


def moved(there: httpx.URL, url: httpx.URL) -> httpx.URL:
    """Return the same path and query at another address."""
    return url.copy_with(scheme=there.scheme, host=there.host, port=there.port)


async def passed_on(request: Request, base: str, more: dict[str, str]) -> httpx.Request:
    """Return the request as it is passed on to `base`."""
    dropped = HOP | more.keys()
    kept = [(k, v) for k, v in request.headers.items() if k not in dropped]
    path = request.scope["raw_path"].decode("latin-1")  # as it was sent
    url = f"{base}{path}?{request.url.query}".removesuffix("?")
    body, headers = await request.body(), [*kept, *more.items()]
    # How long it may take is the policy's to say, not the client's.
    limits = {"timeout": httpx.Timeout(None).as_dict()}
    return httpx.Request(
        request.method, url, headers=headers, content=body, extensions=limits
    )


def to_copy(copy: str, request: httpx.Request) -> httpx.Request:
    """Return a request as it is sent to a copy."""
    kept = [(k, v) for k, v in request.headers.multi_items() if k not in HOP]
    # The copy's certificate, where there is one, has the service's name in it.
    more: dict[str, Any] = {**request.extensions, "sni_hostname": request.url.host}
    return httpx.Request(
        request.method,
        moved(httpx.URL(copy), request.url),
        headers=kept,
        content=request.content,
        extensions=more,
    )


def checked(answer: httpx.Response) -> httpx.Response:
    """Return an answer; raise `httpx.HTTPStatusError` if it is a 5xx."""
    return answer.raise_for_status() if answer.is_server_error else answer


def passed_back(answer: httpx.Response) -> Response:
    """Return an answer as it is passed back; a header may be in it twice."""
    response = Response(answer.content, answer.status_code)
    kept = [(k.lower(), v) for k, v in answer.headers.raw]
    response.raw_headers += [(k, v) for k, v in kept if k.decode() not in HOP]
    return response


def failed(node: Node, name: str, error: Exception) -> Response:
    """Answer for a service that couldn't."""
    node.logs.append(f"{name}: {error!r}")
    if isinstance(error, httpx.HTTPStatusError):
        return passed_back(error.response)
    late = isinstance(error, (TimeoutError, httpx.TimeoutException))
    return problem(504 if late else 503, f"{name} has not answered")
