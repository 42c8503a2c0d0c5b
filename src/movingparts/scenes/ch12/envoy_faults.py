"""Our faults as a configuration of Envoy, and the same calls through it.

Source: chapter 12; Envoy 1.40, its fault filter. Leaves out: a fault for one path,
which Envoy has at a route (`xds`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from movingparts.core import Constant
from movingparts.faults import Fault
from movingparts.scenes.ch04.envoy import Config, cluster, filter_, listener, static
from movingparts.scenes.ch04.envoy_process import envoy
from movingparts.scenes.ch12.screens import TEST, described
from movingparts.scenes.ch12.start_screen import Part
from movingparts.world import LocalWorld, Table

RIDER = ("x-test", "no")
FAULT = "envoy.filters.http.fault"


def envoy_fault(fault: Fault) -> Config:
    """Return the fault in Envoy's words."""
    millionths = round(1_000_000 * fault.share)
    of = {"percentage": {"numerator": millionths, "denominator": "MILLION"}}
    words: Config = {"upstream_cluster": fault.service, "headers": of_header(fault)}
    if fault.delay:
        words["delay"] = {"fixed_delay": f"{fault.delay}s", **of}
    if fault.abort is not None:
        words["abort"] = {"http_status": fault.abort, **of}
    return filter_("fault", "HTTPFault", **words)


def of_header(fault: Fault) -> list[Config]:
    """Return the header of the requests that the fault is for, if it has one."""
    if fault.header is None:
        return []
    name, value = fault.header
    return [{"name": name, "string_match": {"exact": value}}]


def config(faults: Sequence[Fault], ports: Mapping[str, int]) -> Config:
    """Return all of Envoy's configuration; `/name/…` leads to each service."""
    routes = [
        {"match": {"prefix": f"/{name}/"}, "route": {"cluster": name}} for name in ports
    ]
    hosts = [{"name": "all", "domains": ["*"], "routes": routes}]
    filters = [envoy_fault(fault) for fault in faults]
    door = listener("faults", filters, route_config={"virtual_hosts": hosts})
    return static([door], [cluster(name, port) for name, port in ports.items()])


async def through_envoy(faults: Sequence[Fault]) -> Table:
    """Return what test requests and riders get from each service that has a fault."""
    async with LocalWorld() as world:
        ports = {}
        for name in dict.fromkeys(fault.service for fault in faults):
            served = await world.serve(name, Part(Constant(0)))
            ports[name] = httpx.URL(served.url).port or 80
        async with envoy(config(faults, ports)) as url:
            rows = [
                (
                    described(fault),
                    *[await _got(url, fault, who) for who in (TEST, RIDER)],
                )
                for fault in faults
            ]
    return Table(("fault", "a test request gets", "a rider gets"), rows)


async def _got(url: str, fault: Fault, who: tuple[str, str]) -> str:
    """Return what became of one call that waits for 1 s."""
    async with httpx.AsyncClient(trust_env=False, timeout=1) as client:
        try:
            there = f"{url}/{fault.service}/harbor"
            reply = await client.get(there, headers=dict([who]))
        except httpx.ReadTimeout:
            return "no answer in time"
        return f"{reply.status_code}"
