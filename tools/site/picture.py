"""Draw the README's picture from a run of chapter 01's services.

`python -m tools.site.picture` writes it; a test holds the committed file against it.
"""

import sys
from pathlib import Path

from movingparts.draw import sequence
from movingparts.draw.ink import alone
from movingparts.scenes.ch01.marks import marked
from movingparts.scenes.ch01.one_ride import charges, pricing, rides
from movingparts.world import SimulatedWorld, simulate

PICTURE = Path(__file__).resolve().parents[2] / "book" / "_static" / "one-ride.svg"


def picture() -> str:
    """Return the SVG of a ride that is charged twice, since one reply was lost."""

    async def scenario(world: SimulatedWorld) -> int:
        await world.serve("pricing", pricing)
        await world.serve("rides", rides)
        world.network.lose("pricing", "rides", kind="reply")
        ride = {"ride_id": "ride-1", "rider": "Ada", "minutes": 12}
        await world.client("dock").post("http://rides/rides", json=ride)
        return len(charges(world.node("pricing")))

    recording = simulate(marked(scenario), seed=7)
    times = {1: "once", 2: "twice"}[recording.result]
    title = f"One reply is lost, and the ride is charged {times}"
    return alone(sequence(recording, title=title).svg)


def main() -> int:
    """Write the picture."""
    PICTURE.write_text(picture() + "\n", "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
