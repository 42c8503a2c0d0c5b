"""A small function platform: it runs a function's source when something happens.

`Platform` deploys functions and invokes them, `pool` schedules their instances,
`queue` retries, `triggers` say when to run, and `meter` says what that costs. Instances
run in virtual time (`simulated`), or each in a process of its own (`local`).
"""

from movingparts.function.contract import (
    Backend,
    Code,
    Config,
    FunctionError,
    InitError,
    Instance,
    Invocation,
    Request,
    Result,
)
from movingparts.function.meter import AWS, Bill, Prices, break_even
from movingparts.function.platform import Platform
from movingparts.function.queue import Retry
from movingparts.function.recorded import recorded, scaling
from movingparts.function.simulated import Profile, SimulatedBackend
from movingparts.function.triggers import Destination, Every, Subject, gateway

__all__ = [
    "AWS",
    "Backend",
    "Bill",
    "Code",
    "Config",
    "Destination",
    "Every",
    "FunctionError",
    "InitError",
    "Instance",
    "Invocation",
    "Platform",
    "Prices",
    "Profile",
    "Request",
    "Result",
    "Retry",
    "SimulatedBackend",
    "Subject",
    "break_even",
    "gateway",
    "recorded",
    "scaling",
]
