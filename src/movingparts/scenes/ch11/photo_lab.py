"""A lab that prints photos and bills them, and instances that die: exercise 11.5."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

Event = dict[str, Any]


class Died(BaseException):
    """The instance is gone: no `except Exception` can save it."""


class Fuse:
    """Ends an instance at its n-th step; never, if that is 0."""

    def __init__(self, steps: int = 0) -> None:
        self.left = steps

    def step(self) -> None:
        """Count a step, right before it is done or right after the last one."""
        self.left -= 1
        if self.left == 0:
            raise Died

    def __deepcopy__(self, memo: Any) -> Fuse:
        return self


class Printer(Fuse):
    """Prints photos. It keeps the keys of what it has printed, and ignores those."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()
        self.printed: list[str] = []
        self.jammed = False

    def print(self, photo: str, key: str | None = None) -> None:
        """Print a photo, unless it has printed one with this key."""
        self.step()
        if self.jammed:
            raise OSError("the printer is jammed")
        if key is None or key not in self.keys:
            self.printed.append(photo)
            self.keys.update([] if key is None else [key])
        self.step()


class Accounts:
    """A database: keys that somebody saved, and what each customer owes."""

    def __init__(self, fuse: Fuse) -> None:
        self.fuse, self.keys, self.bills = fuse, set[str](), list[tuple[str, int]]()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit all that is done in the block, or nothing if it raises."""
        opened = Transaction(self)
        yield opened
        self.fuse.step()
        self.keys.update(opened.keys)
        self.bills.extend(opened.bills)
        self.fuse.step()

    def __deepcopy__(self, memo: Any) -> Accounts:
        return self


class Transaction:
    """What isn't committed yet."""

    def __init__(self, db: Accounts) -> None:
        self.db, self.keys, self.bills = db, set[str](), list[tuple[str, int]]()

    def has(self, key: str) -> bool:
        """Return whether somebody has saved this key."""
        self.db.fuse.step()
        return key in self.db.keys | self.keys

    def save(self, key: str) -> None:
        """Save a key."""
        self.db.fuse.step()
        self.keys.add(key)

    def bill(self, customer: str, cents: int) -> None:
        """Add to what a customer owes."""
        self.db.fuse.step()
        self.bills.append((customer, cents))


def ordered(number: str, source: str = "/shop") -> Event:
    """Return an order of one photo, as a CloudEvent."""
    data = {"photo": "beach.jpg", "customer": "ada", "cents": 90}
    order = {"specversion": "1.0", "id": number, "source": source, "data": data}
    return {**order, "type": "PhotoOrdered"}


def context(request: str) -> SimpleNamespace:
    """Return what a handler knows of its invocation."""
    return SimpleNamespace(aws_request_id=request)
