"""A shop's till, which plays a script of payments through a reader's breaker.

Source: exercise 12.3. Leaves out: the payments.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

ENDS = {"pay": "paid", "fail": "failed", "decline": "declined", "cancel": "canceled"}
LATELY = 7  # things that happened, of which a message tells


class Till:
    """Makes calls, ends them, and lets time pass, as the words of a script say.

    `see` gets for each call the law that is broken if it isn't `right`, and what the
    breaker `did`.
    """

    def __init__(
        self, answer: Any, failures: int, seconds: float, see: Callable[..., None]
    ) -> None:
        self.answer, self.see = answer, see
        self.sizes = {"failures": failures, "seconds": seconds}
        self.time = 0.0
        self.tickets: dict[str, Any] = {}
        self.story: list[str] = []
        self.breaker = answer.made(lambda: self.time, failures, seconds)
        self.waits = {"wait": seconds, "almost": seconds - 0.5, "rest": 0.5}
        self.often = {"": 1, "n": failures, "few": failures - 1}

    def play(self, law: str, word: str) -> None:
        """Do what a word says, as often as it says."""
        word, _, often = word.partition("*")
        name, _, outcome = word.partition("=")
        for _ in range(self.often[often]):
            if word in self.waits:
                self.time += self.waits[word]
                self.story.append(f"{self.waits[word]:g} s later")
            elif outcome:
                self._leave(name, outcome)
            else:
                self._enter(law, word)

    def _enter(self, law: str, word: str) -> None:
        ticket = self.answer.ask(self.breaker, "enter")
        let, name = ticket is not None and ticket is not False, word.removeprefix("+")
        self.see(
            law=law,
            right=let == (word != "-"),
            did="let through" if let else "refused",
            story=", ".join(self.story[-LATELY:]).capitalize() or "At the start",
            **self.sizes,
        )
        self.tickets[name] = ticket
        if word in ENDS:
            self._leave(name, ENDS[word])
        else:
            self.story.append("one refused" if word == "-" else f"call {name} began")

    def _leave(self, name: str, outcome: str) -> None:
        # The ticket goes back as it is: `ask` would pass a copy.
        bound = SimpleNamespace(leave=partial(self.breaker.leave, self.tickets[name]))
        self.answer.ask(bound, "leave", outcome)
        self.story.append(f"{'one' if name in ENDS else f'call {name}'} {outcome}")
