"""Our control plane in Envoy's words: xDS, asked for over REST.

Source: chapter 12; Envoy 1.40, "xDS REST and gRPC protocol". Leaves out: pushing over
gRPC, refused configurations.
"""

from __future__ import annotations

import json
import zlib

import httpx
from fastapi import FastAPI, Request, Response

from movingparts.control_plane import Configuration, Mesh
from movingparts.core import Node
from movingparts.scenes.ch04.envoy import Config, loopback
from movingparts.scenes.ch12.envoy_faults import FAULT, envoy_fault, of_header
from movingparts.scenes.ch12.envoy_rules import at_most, may_call
from movingparts.scenes.ch12.envoy_sidecar import OUTBOUND, REST, proves
from movingparts.service import problem, service

TYPES = {
    "clusters": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    "endpoints": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    "routes": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
}


def xds(node: Node) -> FastAPI:
    """Return the service that all Envoys ask again and again."""
    app, known = service(node, title="xds"), Configuration(node)
    resource = {"clusters": cluster, "endpoints": endpoints, "routes": routes}

    @app.post("/v3/discovery:{kind}")
    async def discovery(kind: str, request: Request) -> Response:
        await known.refresh()  # or goes on with what it knows
        if known.mesh is None:
            return problem(503, "nothing is known of the mesh yet")
        asked = await request.json()
        names = asked.get("resource_names") or known.mesh.copies
        url, make = TYPES[kind], resource[kind]
        found = [{"@type": url, **make(name, known.mesh)} for name in names]
        version = f"{zlib.crc32(json.dumps(found).encode()):08x}"
        if asked.get("version_info") == version:
            return Response(status_code=304)
        answer = {"version_info": version, "type_url": url, "resources": found}
        return Response(json.dumps(answer), media_type="application/json")

    return app


def cluster(name: str, mesh: Mesh) -> Config:
    """Return how to call a service's copies, whoever they are."""
    policy = mesh.policy(name)
    balanced = policy.balancer == "round robin"
    return {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": REST},
        "connect_timeout": "0.25s",
        "lb_policy": "ROUND_ROBIN" if balanced else "LEAST_REQUEST",
        "outlier_detection": {
            "consecutive_5xx": policy.failures,
            "base_ejection_time": f"{policy.open_seconds}s",
            "max_ejection_percent": 100,  # by default 10: none of nine
        },
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": proves(name),
        },
    }


def endpoints(name: str, mesh: Mesh) -> Config:
    """Return where a service's copies are."""
    found = [
        {"endpoint": {"address": loopback(httpx.URL(copy).port or 0)}}
        for copy in mesh.copies.get(name, ())
    ]
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": found}]}


def routes(name: str, mesh: Mesh) -> Config:
    """Return the routes of calls that leave, or of those that reach a service."""
    if name == OUTBOUND:
        hosts = [leaving(each, mesh) for each in mesh.copies]
    else:
        hosts = [arriving(name, mesh)]
    return {"name": name, "virtual_hosts": hosts}


def leaving(name: str, mesh: Mesh) -> Config:
    """Return the routes of calls to a service: one for each fault, and one for all."""
    policy = mesh.policy(name)
    retry = {
        # Envoy would repeat a POST too, so only where nothing can have been done.
        "retry_on": "connect-failure,refused-stream",
        "num_retries": policy.attempts - 1,
        "per_try_timeout": f"{policy.seconds}s",
    }
    most = f"{policy.seconds * policy.attempts}s"
    route = {"cluster": name, "timeout": most, "retry_policy": retry}
    found = [
        {
            "match": {"prefix": fault.path, "headers": of_header(fault)},
            "typed_per_filter_config": {FAULT: envoy_fault(fault)["typed_config"]},
        }
        for fault in policy.faults
    ]
    ways = [{**way, "route": route} for way in (*found, {"match": {"prefix": "/"}})]
    return {"name": name, "domains": [name], "routes": ways}


def arriving(name: str, mesh: Mesh) -> Config:
    """Return the route to a service from its door, and the rules there."""
    policy, target = mesh.policy(name), {"cluster": "app", "timeout": "0s"}
    rules = {"envoy.filters.http.rbac": may_call(policy.callers)}
    if policy.rate is not None:
        rules["envoy.filters.http.local_ratelimit"] = at_most(policy.rate)
    return {
        "name": name,
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "route": target}],
        "typed_per_filter_config": rules,
    }
