"""Makes the receipt that a rider gets by mail."""

from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take a FareCharged as a CloudEvent; return the receipt's text."""
    ride = event["data"]
    lines = [f"Ride {ride['ride_id']}", f"Fare {ride['fare']}", "Thank you!"]
    return {"to": ride["rider_id"], "text": "\n".join(lines)}
