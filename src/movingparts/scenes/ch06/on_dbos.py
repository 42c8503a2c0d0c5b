"""The start of a ride on DBOS: `python -m movingparts.scenes.ch06.on_dbos FOLDER STEP`.

It begins the ride, or goes on with it; inside STEP, if it has a name, it is killed.

Source: chapter 06. Leaves out: retries and time limits, so any error but a refusal
ends the ride and undoes nothing; a server for its records.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from dbos import DBOS, DBOSConfig, SetWorkflowID

from movingparts.saga import Refused
from movingparts.scenes.ch06.resumed import RIDE, STEPS, Services


def saga(services: Services) -> Callable[[str], None]:
    """Return the saga, which DBOS resumes after a crash."""

    @DBOS.workflow(name="start_ride")
    def start_ride(ride: str) -> None:
        done: list[str] = []
        try:
            for step in STEPS:
                key = f"{ride}/{step}"
                DBOS.run_step({"name": step}, services.do, key)
                done.append(key)
        except Refused:
            if f"{ride}/unlock" in done:
                raise  # past the point of no return: a person must look
            for key in reversed(done):
                DBOS.run_step({"name": f"undo {key}"}, services.undo, key)

    return start_ride


def main(folder: Path, fatal: str) -> None:
    """Run the ride to its end, unless the process is killed."""
    config = DBOSConfig(
        name="rides",
        system_database_url=f"sqlite:///{folder / 'dbos.sqlite'}",
        application_version="1",
        executor_id="rides-1",
        enable_otlp=False,
    )
    DBOS(config=config)
    start_ride = saga(Services(folder, fatal))
    DBOS.launch()
    with SetWorkflowID(RIDE):
        DBOS.start_workflow(start_ride, RIDE).get_result(polling_interval_sec=0.05)
    DBOS.destroy()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
