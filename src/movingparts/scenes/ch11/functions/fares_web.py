"""Works out what a ride costs, with the libraries of the service that it once was."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from fastapi.encoders import jsonable_encoder
from pydantic import TypeAdapter

UNLOCK, A_MINUTE = Decimal("1.00"), Decimal("0.15")
TIME = TypeAdapter(datetime)


def handler(event: dict[str, Any], context: Any) -> Any:
    """Take a RideEnded as a CloudEvent; return the ride's fare."""
    ride = event["data"]
    ended = TIME.validate_python(ride["ended_at"])
    took = ended - TIME.validate_python(ride["started_at"])
    minutes = -(-took.total_seconds() // 60)  # each minute that has begun
    fare = UNLOCK + A_MINUTE * int(minutes)
    return jsonable_encoder({"ride_id": ride["ride_id"], "fare": f"{fare:.2f}"})
