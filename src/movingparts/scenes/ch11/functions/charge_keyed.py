"""Charges a rider for a ride, once however often it runs."""

from typing import Any

bank: Any  # the scene puts it here, as if this had imported the bank's library


def handler(event: dict[str, Any], context: Any) -> None:
    """Take a FareDue as a CloudEvent."""
    fare = event["data"]
    key = f"{event['source']} {event['id']}"
    bank.charge(fare["rider"], fare["ride"], fare["cents"], key=key)
