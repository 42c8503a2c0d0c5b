"""Envoy as a sidecar: what it is started with. All else it asks the control plane for.

Source: chapter 12; Envoy 1.40, its API reference. Leaves out: new certificates while
it runs.
"""

from __future__ import annotations

from movingparts.identity import PREFIX, Identity
from movingparts.scenes.ch04.envoy import Config, cluster, filter_, listener, static
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
    goes_out = door(OUTBOUND, OUTBOUND, [filter_("fault", "HTTPFault")])
    comes_in = door("inbound", service, RULES)
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
    clusters = [cluster("xds", control_plane), cluster("app", app)]
    return {
        "node": {"id": service, "cluster": service},
        "dynamic_resources": {"cds_config": REST},
        **static([goes_out, comes_in], clusters, secrets=secrets(identity)),
    }


def door(name: str, routes: str, filters: list[Config]) -> Config:
    """Return a door whose routes come from the control plane."""
    rds = {"route_config_name": routes, "config_source": REST}
    return listener(name, filters, rds=rds)


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
