"""Our gateway's routes as a configuration of Envoy.

Envoy asks the service `identity` who a request comes from, as our gateway asks
`authenticate`.

Source: chapter 04; Envoy 1.40, its API reference. Leaves out: TLS, rate limits,
tracing, and more than one copy of a service (chapter 12).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response

from movingparts.core import Node
from movingparts.gateway import Authenticate, Route
from movingparts.service import problem, service
from movingparts.upstream import RIDER

TYPE = "type.googleapis.com/envoy.extensions.filters"
MANAGER = f"{TYPE}.network.http_connection_manager.v3.HttpConnectionManager"
# What Envoy answers by itself has the form of our gateway's errors.
ERRORS = {
    "json_format": {"type": "about:blank", "status": "%RESPONSE_CODE%"},
    "content_type": "application/problem+json",
}

Config = dict[str, Any]


def envoy_route(route: Route, seconds: float) -> Config:
    """Return the route in Envoy's words."""
    target: Config = {"cluster": route.service, "timeout": f"{seconds}s"}
    # Nothing was sent where no connection was made, so asking again is safe.
    target["retry_policy"] = {"retry_on": "connect-failure", "num_retries": 1}
    if route.strip:
        prefix = {"regex": f"^{re.escape(route.prefix)}/?"}
        target["regex_rewrite"] = {"pattern": prefix, "substitution": "/"}
    return {"match": {"path_separated_prefix": route.prefix}, "route": target}


def who_asks(port: int) -> Config:
    """Return the filter that asks `identity`, and takes the rider from its answer."""
    where = {"uri": f"http://127.0.0.1:{port}", "cluster": "identity"}
    answer = {"allowed_upstream_headers": {"patterns": [{"exact": RIDER}]}}
    asks = {
        "server_uri": {**where, "timeout": "0.5s"},
        "path_prefix": "/check",
        "authorization_response": answer,
    }
    return filter_("ext_authz", "ExtAuthz", http_service=asks)


def config(
    routes: Sequence[Route], ports: Mapping[str, int], *, seconds: float
) -> Config:
    """Return all of Envoy's configuration; `ports` has every service and `identity`."""
    host = {
        "name": "larkhaven",
        "domains": ["*"],
        "routes": [envoy_route(route, seconds) for route in routes],
        "request_headers_to_remove": ["authorization"],
    }
    door = listener(
        "door",
        [who_asks(ports["identity"])],
        route_config={"virtual_hosts": [host]},
        local_reply_config={"body_format": ERRORS},
    )
    return static([door], [cluster(name, port) for name, port in ports.items()])


def static(listeners: list[Config], clusters: list[Config], **more: Any) -> Config:
    """Return all that an Envoy starts with; `more` are other resources."""
    resources = {"listeners": listeners, "clusters": clusters, **more}
    return {"admin": {"address": loopback(0)}, "static_resources": resources}


def listener(name: str, filters: Sequence[Config], **more: Any) -> Config:
    """Return a door for HTTP with these filters; `more` has its routes."""
    manager = {
        "@type": MANAGER,
        "stat_prefix": name,
        "http_filters": [*filters, filter_("router", "Router")],
        **more,
    }
    chain = {"name": "http_connection_manager", "typed_config": manager}
    filter_chains = [{"filters": [chain]}]
    return {"name": name, "address": loopback(0), "filter_chains": filter_chains}


def filter_(name: str, kind: str, **more: Any) -> Config:
    """Return an HTTP filter, through which each request goes."""
    what = {"@type": f"{TYPE}.http.{name}.v3.{kind}", **more}
    return {"name": f"envoy.filters.http.{name}", "typed_config": what}


def cluster(name: str, port: int) -> Config:
    """Return where a service is: Envoy calls all copies of a service a cluster."""
    endpoint = {"endpoint": {"address": loopback(port)}}
    load = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}
    return {"name": name, "connect_timeout": "0.25s", "load_assignment": load}


def loopback(port: int) -> Config:
    """Return an address of this machine; at port 0, the system picks a free one."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def identity(node: Node, authenticate: Authenticate) -> FastAPI:
    """Serve what Envoy asks first: an answer of 200 lets the request in."""
    app = service(node, title="identity")

    @app.api_route("/check/{path:path}", methods=["GET", "PUT", "POST", "DELETE"])
    async def check(path: str, request: Request) -> Response:
        _, _, token = request.headers.get("authorization", "").partition(" ")
        rider = await authenticate(token)
        if rider is None:
            return problem(401, "the token is not valid")
        return Response(headers={RIDER: rider})

    return app
