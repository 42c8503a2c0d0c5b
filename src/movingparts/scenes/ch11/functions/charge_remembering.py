"""Charges a rider for a ride, and remembers that in a global."""

from typing import Any

bank: Any  # the scene puts it here, as if this had imported the bank's library
handled: set[str] = set()


def handler(event: dict[str, Any], context: Any) -> None:
    """Take a FareDue as a CloudEvent."""
    fare = event["data"]
    if event["id"] not in handled:
        bank.charge(fare["rider"], fare["ride"], fare["cents"])
        handled.add(event["id"])
