"""A reader's answer: called with care, and every way it can go wrong in a sentence."""

from __future__ import annotations

import asyncio
import inspect
import re
import reprlib
import traceback
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from movingparts.check.meter import OutOfSteps, of_the_answer
from movingparts.check.verdict import AnswerRaised, Rejected, StillToDo

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Call:
    """How an exercise calls an answer: a name, its arguments, and whether it awaits.

    An answer with `methods` is a class, or whatever else makes what has them.

    >>> print(Call("charge", ("node", "cents"), is_async=True))
    async def charge(node, cents)
    >>> print(Call("Stand", ("bikes",), methods=(Call("reserve", ("rider", "now")),)))
    class Stand
    """

    name: str
    arguments: tuple[str, ...]
    is_async: bool = False
    methods: tuple[Call, ...] = ()

    def __str__(self) -> str:
        if self.methods:
            return f"class {self.name}"
        prefix = "async def" if self.is_async else "def"
        return f"{prefix} {self.called}"

    @property
    def called(self) -> str:
        """The call itself."""
        return f"{self.name}({', '.join(self.arguments)})"


def shown(value: object, limit: int = 60) -> str:
    """Return a value's repr, cut short and without addresses, whatever it does."""
    cut = reprlib.Repr()
    cut.maxlist = cut.maxtuple = cut.maxdict = cut.maxset = cut.maxfrozenset = 20
    cut.maxstring = cut.maxother = cut.maxlong = limit
    try:
        if type(value) in {str, bytes}:
            text = repr(value[:limit])  # type: ignore[index]  # both can be cut
        elif callable(value):
            text = object.__repr__(value)
        elif type(value) in {list, tuple, dict, set, frozenset}:
            text = cut.repr(value)
        else:
            text = repr(value)
    except Exception:  # noqa: BLE001  # a reader's __repr__ may raise anything
        text = f"a {type(value).__name__}"
    text = ADDRESS.sub("", text[: 10 * limit])
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def where(error: BaseException) -> str:
    """Return the line of the answer's own code at which it raised, in brackets."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if of_the_answer(frame.filename)]
    return f" (in `{own[-1].name}`, its line: `{own[-1].line}`)" if own else ""


def complaint_of(name: str, error: BaseException) -> Rejected:
    """Return what to say of an exception that an answer let out."""
    kind = type(error).__name__
    try:
        said = " ".join(str(error).split())[:200]
    except Exception:  # noqa: BLE001  # a reader's __str__ may raise anything
        said = ""
    text = f"`{name}` raised {kind}{': ' + said if said else ''}{where(error)}."
    if isinstance(error, RecursionError):
        text = f"`{name}` calls itself without end{where(error)}."
    elif "asyncio.run() cannot be called" in said or "already running" in said:
        text += " A loop runs already: use `await` instead of starting another."
    elif isinstance(error, SystemExit | KeyboardInterrupt):
        text += " It would have ended the whole kernel: return instead."
    return AnswerRaised(text, error)


class Answer:
    """An answer to one exercise, with the way in which it is called.

    Raises `Rejected`, with a sentence, for whatever is not an answer at all.

    >>> Answer(42, Call("verdict", ("outcome",)))
    Traceback (most recent call last):
    movingparts.check.verdict.Rejected: The answer is a function,
      `def verdict(outcome)`; this is a value of type int.
    """

    def __init__(self, thing: object, call: Call) -> None:
        self._call = call
        if inspect.iscoroutine(thing):
            thing.close()
            text = f"Give the function itself, `{call.name}`, without calling it."
            raise Rejected("not-a-function", text)
        if not callable(thing):
            text = (
                f"The answer is a {'class' if call.methods else 'function'}, `{call}`;"
                f" this is a value of type {type(thing).__name__}."
            )
            raise Rejected("not-a-function", text)
        self._function = thing
        _fits(thing, call, call.name)

    @property
    def name(self) -> str:
        """The function's name, as the exercise has it."""
        return self._call.name

    @property
    def function(self) -> Any:
        """The function itself, for a world to serve."""
        return self._function

    def __call__(self, *arguments: object) -> Any:
        """Call a plain function and return its value."""
        return _plain(self.name, self._called(*arguments))

    def made(self, *arguments: object) -> Any:
        """Call a class, and see that what it makes has all its methods."""
        thing = self(*arguments)
        for call in self._call.methods:
            method = self._method(thing, call.name)
            if not callable(method):
                text = f"What `{self.name}` makes has no method `{call.called}`."
                raise Rejected("no-method", text)
            _fits(method, call, f"{self.name}.{call.name}")
        return thing

    def ask(self, thing: object, name: str, *arguments: object) -> Any:
        """Call a method of what was made and return its value.

        Raises `AnswerRaised` with whatever the method raises.
        """
        full = f"{self.name}.{name}"
        try:
            value = self._method(thing, name)(*arguments)
        except BaseException as error:  # noqa: BLE001  # each ends in a sentence
            return self._refuse(error, full)
        if inspect.isgenerator(value) or inspect.isasyncgen(value):
            text = f"`{full}` has a `yield`, and so is a generator: use `return`."
            raise Rejected("yields", text)
        return _plain(full, value)

    def _method(self, thing: object, name: str) -> Any:
        try:
            return getattr(thing, name, None)
        except BaseException as error:  # noqa: BLE001  # each ends in a sentence
            return self._refuse(error, f"{self.name}.{name}")

    async def awaited(self, *arguments: object, within: float) -> Any:
        """Call an async function and await it, for so many virtual seconds at most."""
        value = self._called(*arguments)
        if inspect.isasyncgen(value) or inspect.isgenerator(value):
            text = f"`{self.name}` has a `yield`, and so is a generator: use `return`."
            raise Rejected("sync-where-async", text)
        if not inspect.isawaitable(value):
            text = f"`{self.name}` is `def`, and it has to await: make it `async def`."
            raise Rejected("sync-where-async", text)
        loop = asyncio.get_running_loop()
        task = loop.create_task(_outcome(value), name=self.name)
        ended = asyncio.Event()
        task.add_done_callback(lambda _: ended.set())
        try:
            async with asyncio.timeout(within):
                await ended.wait()
        except TimeoutError:
            task.cancel()
            text = (
                f"`{self.name}` had not returned after {within:,.0f} virtual seconds."
            )
            raise Rejected("never-returns", text) from None
        result, error = task.result()
        if error is not None:
            self._refuse(error)
        return result

    def _called(self, *arguments: object) -> Any:
        try:
            return self._function(*arguments)
        except BaseException as error:  # noqa: BLE001  # each ends in a sentence
            return self._refuse(error)

    def _refuse(self, error: BaseException, name: str = "") -> None:
        if isinstance(error, NotImplementedError):
            raise StillToDo(str(error)) from None
        if isinstance(error, Rejected | OutOfSteps):
            raise error
        raise complaint_of(name or self.name, error) from None


def _fits(function: Any, call: Call, name: str) -> None:
    """Raise `Rejected` where a function does not take the arguments of its call."""
    try:
        signature = inspect.signature(function)
    except Exception:  # noqa: BLE001  # some callables have none: the call will tell
        return
    try:
        signature.bind(*call.arguments)
    except TypeError as error:
        text = (
            f"It is called as `{name}({', '.join(call.arguments)})`,"
            f" and yours does not take that: {error}."
        )
        raise Rejected("wrong-signature", text) from None


def _plain(name: str, value: Any) -> Any:
    """Return a value; raise `Rejected` for one that is to be awaited."""
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        text = f"`{name}` is `async def`, and nothing awaits it: make it `def`."
        raise Rejected("async-where-sync", text)
    return value


async def _outcome(value: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """Await; return what it raised, so that SystemExit does not end the loop."""
    try:
        return await value, None
    except BaseException as error:  # noqa: BLE001  # judged by the caller
        return None, error
