"""What a function is to its platform, and what a backend does with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

# What became of one invocation. Only "ok" has a value; "throttled" never ran.
Status = Literal["ok", "error", "timeout", "memory", "killed", "init", "throttled"]

MEMORY_MB = (128, 10_240)  # what AWS Lambda takes: docs, "Configure memory"
TIMEOUT = 900.0  # seconds, the most that Lambda takes


class FunctionError(RuntimeError):
    """The platform was asked for something that cannot be; nothing has changed."""


class UnknownFunctionError(FunctionError, LookupError):
    """There is no function, version or alias of that name."""


@dataclass(frozen=True, slots=True)
class Config:
    """How a version of a function runs.

    `memory_mb` is a limit, and what is billed; CPU comes in proportion. An invocation
    is ended after `timeout` seconds. An instance takes `concurrency` requests at once
    and is ended after `keep_warm` idle seconds. `reserved` instances are this
    function's own, and all that it gets; `provisioned` ones are started before anybody
    asks, and stay while an alias means this version. `secrets` are names: the platform
    knows the values.

    >>> Config(memory_mb=64)
    Traceback (most recent call last):
    movingparts.function.contract.FunctionError: memory_mb is from 128 to 10240, got 64
    """

    memory_mb: int = 128
    timeout: float = 3.0
    concurrency: int = 1
    keep_warm: float = 300.0
    reserved: int | None = None
    provisioned: int = 0
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        low, high = MEMORY_MB
        if not low <= self.memory_mb <= high:
            raise FunctionError(
                f"memory_mb is from {low} to {high}, got {self.memory_mb}"
            )
        if not 0 < self.timeout <= TIMEOUT:
            raise FunctionError(
                f"timeout is up to {TIMEOUT:.0f} seconds, got {self.timeout}"
            )
        if self.concurrency < 1:
            raise FunctionError(f"concurrency is 1 or more, got {self.concurrency}")
        most = self.provisioned if self.reserved is None else self.reserved
        if not 0 <= self.provisioned <= most:
            raise FunctionError(
                f"{self.provisioned} of {most} reserved instances can't be provisioned"
            )


@dataclass(frozen=True, slots=True)
class Code:
    """One version of a function: its source, and how it runs.

    `environment` has its secrets too, by their names.
    """

    name: str
    version: int
    source: str
    config: Config
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """One event for an instance, under an id that stays the same when it is retried.

    `invoke` calls another function of the platform and waits for its value; `parent`
    is the id of the request whose function waits for this one.
    """

    id: str
    event: Any
    invoke: Callable[[str, Any], Any] | None = None
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What an instance made of a request; an instance that is not `alive` is gone."""

    status: Status
    value: Any = None
    error: str = ""
    alive: bool = True
    peak_mb: int = 0


class InitError(Exception):
    """An instance did not come up: its source raised, or asks for too much."""


class Instance(Protocol):
    """One running copy of a version."""

    async def run(self, request: Request) -> Result:
        """Run the handler; whatever it does, this returns within its timeout."""
        ...

    async def close(self) -> None:
        """End it, and remove what it has kept. Repeatable."""
        ...


class Backend(Protocol):
    """Where instances run."""

    async def start(self, code: Code) -> Instance:
        """Start an instance and run its source once; raise `InitError`."""
        ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the platform knows of one invocation: its outcome, and what is billed.

    Times are in seconds by the platform's clock: `began` since the world's beginning,
    `init` for a cold start (0 for a warm one), `run` in the handler. `instance` is
    the number of the instance that ran it, `parent` the id of the invocation that
    waited for it.
    """

    id: str
    function: str
    version: int
    began: float
    status: Status
    value: Any = None
    error: str = ""
    init: float = 0.0
    run: float = 0.0
    memory_mb: int = 0
    provisioned: bool = False
    instance: int = 0
    parent: str = ""

    @property
    def cold(self) -> bool:
        """Whether an instance had to start for it."""
        return self.init > 0

    @property
    def took(self) -> float:
        """How long the caller waited, in seconds."""
        return self.init + self.run
