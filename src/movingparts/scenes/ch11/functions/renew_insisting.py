"""Charges a rider for a monthly pass, and insists."""

from typing import Any

bank: Any  # the scene puts it here, as if this had imported the bank's library


async def handler(event: dict[str, Any], context: Any) -> None:
    """Take a PassDue as a CloudEvent; call the bank up to three times."""
    for tries_left in (2, 1, 0):
        try:
            return await bank.charge(f"{event['source']} {event['id']}")
        except TimeoutError:
            if not tries_left:
                raise
