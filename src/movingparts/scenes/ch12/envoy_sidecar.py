"""Envoy as a sidecar: what it is started with. All else it asks the control plane for.

Source: chapter 12; Envoy 1.40, its API reference. Leaves out: new certificates while
it runs.
"""

from __future__ import annotations

from typing import Any

from movingparts.identity import PREFIX, Identity
from movingparts.scenes.ch04.envoy import MANAGER, Config, cluster, filter_, loopback
from movingparts.scenes.ch12.envoy_rules import RULES

OUTBOUND = "outbound"  # the routes of all calls that leave a sidecar
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
REST = {
    "resource_api_version": "V3",
    "initial_fetch_timeout": "5s",
    "api_config_source": {
        "api_type": "REST",
        "transport_api_version": "V3",
        "cluster_names": ["xds"],
        "refresh_delay": "0.2s",
    },
}


def sidecar_config(
    service: str, identity: Identity, *, app: int, control_plane: int
) -> Config:
    """Return what the Envoy beside a service starts with; the rest are ports."""
    faults, router = filter_("fault", "HTTPFault"), filter_("router", "Router")
    goes_out = listener(OUTBOUND, OUTBOUND, [faults, router])
    comes_in = listener("inbound", service, [*RULES, router])
    comes_in["filter_chains"][0]["transport_socket"] = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{TLS}.DownstreamTlsContext",
            "require_client_certificate": True,
            "common_tls_context": {
                "tls_certificate_sds_secret_configs": [{"name": "own"}],
                "validation_context_sds_secret_config": {"name": "authority"},
            },
        },
    }
    return {
        "node": {"id": service, "cluster": service},
        "admin": {"address": loopback(0)},
        "dynamic_resources": {"cds_config": REST},
        "static_resources": {
            "listeners": [goes_out, comes_in],
            "clusters": [cluster("xds", control_plane), cluster("app", app)],
            "secrets": secrets(identity),
        },
    }


def listener(name: str, routes: str, filters: list[Config]) -> Config:
    """Return a door whose routes come from the control plane."""
    manager: dict[str, Any] = {
        "@type": MANAGER,
        "stat_prefix": name,
        "rds": {"route_config_name": routes, "config_source": REST},
        "http_filters": filters,
    }
    chain = {"name": "http_connection_manager", "typed_config": manager}
    return {
        "name": name,
        "address": loopback(0),
        "filter_chains": [{"filters": [chain]}],
    }


def secrets(identity: Identity) -> list[Config]:
    """Return the service's certificate and key, and the authority that it trusts."""
    own = {
        "certificate_chain": {"inline_string": identity.certificate},
        "private_key": {"inline_string": identity.key},
    }
    trusted = {"trusted_ca": {"inline_string": identity.authority}}
    return [
        {"name": "own", "tls_certificate": own},
        {"name": "authority", "validation_context": trusted},
    ]


def proves(name: str) -> Config:
    """Return that a callee must prove its name; each Envoy has its own key already."""
    right = {"san_type": "URI", "matcher": {"exact": PREFIX + name}}
    trusted = {
        "default_validation_context": {"match_typed_subject_alt_names": [right]},
        "validation_context_sds_secret_config": {"name": "authority"},
    }
    both = {
        # As a client, Envoy goes no further than TLS 1.2 on its own.
        "tls_params": {"tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificate_sds_secret_configs": [{"name": "own"}],
        "combined_validation_context": trusted,
    }
    return {
        "@type": f"{TLS}.UpstreamTlsContext",
        "sni": name,
        "common_tls_context": both,
    }
