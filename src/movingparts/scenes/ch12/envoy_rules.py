"""The rules at a service's door in Envoy's words: who may call it, and how often.

Source: chapter 12; Envoy 1.40, its RBAC and local rate limit filters. Leaves out: a
limit that all copies of a service share.
"""

from __future__ import annotations

from movingparts.identity import PREFIX
from movingparts.scenes.ch04.envoy import TYPE, Config, filter_

MOST = 2**32 - 1
CALLER = {  # the name in the certificate that the caller has shown
    "@type": "type.googleapis.com/envoy.extensions.rate_limit_descriptors.expr.v3"
    ".Descriptor",
    "descriptor_key": "caller",
    "text": "connection.uri_san_peer_certificate",
}
# The filters themselves, in this order; what they do is said at the route.
RULES = [
    filter_("rbac", "RBAC"),
    filter_("local_ratelimit", "LocalRateLimit", stat_prefix="rate"),
]


def may_call(callers: tuple[str, ...] | None) -> Config:
    """Return who may call: services by their names, or everyone."""
    rules: Config = {}
    if callers is not None:
        ids = [{"exact": PREFIX + caller} for caller in callers]
        who = [{"authenticated": {"principal_name": each}} for each in ids]
        allowed = {"permissions": [{"any": True}], "principals": who}
        # Without any policy in it, the filter lets nobody in.
        rules = {"rules": {"policies": {"callers": allowed} if callers else {}}}
    return {"@type": f"{TYPE}.http.rbac.v3.RBACPerRoute", "rbac": rules}


def at_most(rate: float) -> Config:
    """Return a bucket of tokens for each caller, which gains `rate` a second."""
    gains = {"tokens_per_fill": 1, "fill_interval": f"{1 / rate:.6f}s"}
    bucket = {"max_tokens": max(1, int(rate)), **gains}
    everyone = {"tokens_per_fill": MOST, "fill_interval": "1s", "max_tokens": MOST}
    by_name = {"name": "caller", "typed_config": CALLER}
    always = {"default_value": {"numerator": 100}}
    return {
        "@type": f"{TYPE}.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "rate",
        "token_bucket": everyone,  # the filter wants one for all, too
        "descriptors": [{"entries": [{"key": "caller"}], "token_bucket": bucket}],
        "rate_limits": [{"actions": [{"extension": by_name}]}],
        "filter_enabled": always,
        "filter_enforced": always,
    }
