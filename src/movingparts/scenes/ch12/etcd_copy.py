"""A copy as a process of its own, that does nothing but stay listed in etcd.

It needs only the standard library, so that it starts in a moment.

Source: chapter 12. Leaves out: answering riders, and a goodbye.
"""

from __future__ import annotations

import base64
import json
import sys
import time  # noqa: TID251  # a real process, in real time
import urllib.request


def stay_listed(etcd: str, service: str, copy: str, seconds: int) -> None:
    """Register under a lease, and renew it three times as often as needed."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def post(path: str, **body: object) -> dict[str, object]:
        data = json.dumps(body).encode()
        with opener.open(f"{etcd}/v3/{path}", data, timeout=seconds) as answer:
            found: dict[str, object] = json.load(answer)
        return found

    key, value = (base64.b64encode(t.encode()).decode() for t in (service, copy))
    while True:
        lease = post("lease/grant", TTL=seconds)["ID"]
        post("kv/put", key=key, value=value, lease=lease)
        renewed = True
        while renewed:  # a renewal that comes too late has no TTL: begin anew
            time.sleep(seconds / 3)
            renewed = "TTL" in str(post("lease/keepalive", ID=lease))


if __name__ == "__main__":
    address, name, url, lasts = sys.argv[1:]
    stay_listed(address, f"{name}/{url}", url, int(lasts))
