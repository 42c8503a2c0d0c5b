"""Charges a rider for a monthly pass."""

from typing import Any

bank: Any  # the scene puts it here, as if this had imported the bank's library


async def handler(event: dict[str, Any], context: Any) -> None:
    """Take a PassDue as a CloudEvent; call the bank once."""
    await bank.charge(f"{event['source']} {event['id']}")
