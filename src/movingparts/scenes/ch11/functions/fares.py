"""Works out what a ride costs: 1.00 to unlock the bike, then 0.15 a minute."""

from datetime import datetime
from decimal import Decimal
from typing import Any

UNLOCK, A_MINUTE = Decimal("1.00"), Decimal("0.15")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take a RideEnded as a CloudEvent; return the ride's fare."""
    ride = event["data"]
    ended = datetime.fromisoformat(ride["ended_at"])
    took = ended - datetime.fromisoformat(ride["started_at"])
    minutes = -(-took.total_seconds() // 60)  # each minute that has begun
    fare = UNLOCK + A_MINUTE * int(minutes)
    return {"ride_id": ride["ride_id"], "fare": f"{fare:.2f}"}
