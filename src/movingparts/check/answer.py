"""A reader's answer: called with care, and every way it can go wrong in a sentence."""

from __future__ import annotations

import ast
import asyncio
import copy
import inspect
import re
import reprlib
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from movingparts.check.verdict import Rejected, StillToDo

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
MACHINERY = ("site-packages", "/movingparts/", "\\movingparts\\", "<frozen ", "asyncio")
LIMIT = 60  # characters of a value that are shown


@dataclass(frozen=True, slots=True)
class Call:
    """How an answer is called, as its stub says: a function, or a class with methods.

    >>> print(Call.of('''async def charge(node, cents):
    ...     raise NotImplementedError'''))
    async def charge(node, cents)
    """

    name: str
    arguments: tuple[str, ...]
    kind: Literal["def", "async def", "class"] = "def"
    methods: tuple[Call, ...] = ()

    @classmethod
    def of(cls, stub: str) -> Call:
        """Read the call off a stub; its last function or class is the answer."""
        return cls._read(ast.parse(stub).body[-1])

    @classmethod
    def _read(cls, node: ast.stmt) -> Call:
        match node:
            case ast.ClassDef(name=name, body=body):
                made, *methods = map(cls._read, body)
                return cls(name, made.arguments, "class", tuple(methods))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names = [each.arg for each in node.args.args if each.arg != "self"]
                is_async = isinstance(node, ast.AsyncFunctionDef)
                return cls(name, tuple(names), "async def" if is_async else "def")
        raise ValueError(f"a stub ends with a function or a class, not {node!r}")

    def __str__(self) -> str:
        return f"{self.kind} {self.name if self.kind == 'class' else self.called}"

    @property
    def called(self) -> str:
        """The call itself."""
        return f"{self.name}({', '.join(self.arguments)})"


def shown(value: object, limit: int = LIMIT) -> str:
    """Return a value's repr, cut short and without addresses, whatever it does."""
    cut = reprlib.Repr()
    cut.maxlist = cut.maxtuple = cut.maxdict = cut.maxset = cut.maxfrozenset = 20
    cut.maxstring = cut.maxother = cut.maxlong = limit
    try:
        text = object.__repr__(value) if callable(value) else cut.repr(value)
    except Exception:  # noqa: BLE001  # a reader's __repr__ may raise anything
        text = f"a {type(value).__name__}"
    text = ADDRESS.sub("", text[: 10 * limit])
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def fits(value: Any, kind: Any) -> bool:  # noqa: PLR0911  # one return for each kind
    """Return whether a value is of a type, inside lists, tuples and dicts too.

    A list may be a tuple, a float may be an int, and a bool is no number.

    >>> fits([1, 2], list[int]), fits([1, "2"], list[int]), fits(True, int)
    (True, False, False)
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin in {Union, UnionType}:
        return any(fits(value, each) for each in inner)
    if origin is Literal:
        return any(isinstance(value, type(each)) and value == each for each in inner)
    if origin is tuple:
        pair = isinstance(value, list | tuple) and len(value) == len(inner)
        return pair and all(map(fits, value, inner))
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(key, inner[0]) and fits(item, inner[1]) for key, item in value.items()
        )
    if origin in {list, set, frozenset}:
        also = {list: (list, tuple)}.get(origin, (set, frozenset))
        return isinstance(value, also) and all(fits(each, inner[0]) for each in value)
    if kind is None:
        return value is None
    if kind in {int, float}:
        numbers = (int, float) if kind is float else int
        return isinstance(value, numbers) and not isinstance(value, bool)
    return isinstance(value, kind)


def copied(value: Any) -> Any:
    """Return a deep copy, or the value itself where it can't be copied."""
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001  # a world's parts can't be copied
        return value


def where(error: BaseException) -> str:
    """Return the line of the answer's own code at which it raised, in brackets."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if frame.line and not any(part in frame.filename for part in MACHINERY)
    ]
    if not own:
        return ""
    return f" (in `{own[-1].name}`, at the line `{own[-1].line}`)"


class Answer:
    """An answer to one exercise, with the way in which it is called.

    Raises `Rejected`, with a sentence, for whatever is not an answer at all.

    >>> Answer(42, Call("verdict", ("outcome",)))
    Traceback (most recent call last):
    movingparts.check.verdict.Rejected: Your answer should be a function,
      `def verdict(outcome)`; this is a value of type int.
    """

    def __init__(
        self,
        thing: object,
        call: Call,
        *,
        returns: Any = Any,
        wants: str = "",
        may_raise: tuple[type[BaseException], ...] = (),
    ) -> None:
        if inspect.iscoroutine(thing):
            thing.close()
            text = f"Pass the function itself, `{call.name}`, without calling it."
            raise Rejected("not-a-function", text)
        if not callable(thing):
            kind = "class" if call.kind == "class" else "function"
            text = (
                f"Your answer should be a {kind}, `{call}`;"
                f" this is a value of type {type(thing).__name__}."
            )
            raise Rejected("not-a-function", text)
        self.function: Any = thing
        self.call, self.name = call, call.name
        self.changed = ""  # the argument that the answer changed, if any
        self.rejected: Callable[[Rejected | StillToDo], object] = bool
        self._returns, self._wants, self._may_raise = returns, wants, may_raise
        self._log: list[tuple[tuple[Any, ...], Any]] = []
        _takes(thing, call, call.name)

    def __call__(self, *arguments: Any) -> Any:
        """Call a plain function with copies, and return its value.

        An exception of `may_raise` is returned too.
        """
        given = copied(arguments)
        value = self._value(self.name, self.function, given)
        self._notice(arguments, given)
        self._fits(value, arguments)
        self._log.append((copied(arguments), copied(value)))
        return value

    async def awaited(self, *arguments: Any, within: float = 3_600.0) -> Any:
        """Call an async function and await it, for so many virtual seconds at most."""
        value = self._outcome(self.name, self.function, arguments)
        if isinstance(value, self._may_raise):
            return value
        if not inspect.isawaitable(value):
            text = f"`{self.name}` has to await: make it `async def`, without `yield`."
            raise self._reject(Rejected("sync-where-async", text))
        task = asyncio.ensure_future(_ended(value))  # noqa: TID251  # watched right here
        over = asyncio.Event()
        task.add_done_callback(lambda _: over.set())
        try:
            async with asyncio.timeout(within):
                await over.wait()
        except TimeoutError:
            task.cancel()
            text = f"`{self.name}` had not returned after {within:,.0f} virtual s."
            raise self._reject(Rejected("never-returns", text)) from None
        result, error = task.result()
        if error is not None:
            return self._raised(self.name, error)
        self._fits(result, ())
        return result

    def made(self, *arguments: Any) -> Any:
        """Call a class, and see that what it makes has all its methods."""
        thing = self._value(self.name, self.function, copied(arguments))
        self._fits(thing, ())
        for call in self.call.methods:
            method = self._outcome(self.name, getattr, (thing, call.name, None))
            if not callable(method):
                text = f"What `{self.name}` makes has no method `{call.called}`."
                raise self._reject(Rejected("no-method", text))
            _takes(method, call, f"{self.name}.{call.name}")
        return thing

    def ask(self, thing: Any, method: str, *arguments: Any) -> Any:
        """Call a method of what was made, and return its value."""
        name = f"{self.name}.{method}"
        return self._value(name, getattr(thing, method), copied(arguments))

    def served(self, node: Any) -> Any:
        """Call a factory of a service; give it to `world.serve`."""
        return self._value(self.name, self.function, (node,))

    def forgets(self, begin: Callable[[], object] = bool) -> bool:
        """Return whether the same calls give the same values in another order.

        `begin` is called before each.
        """
        log, self._log = self._log, []
        for arguments, value in reversed(log):
            begin()
            again = self._value(self.name, self.function, copied(arguments))
            if not _same(again, value):
                return False
        return True

    def _value(self, name: str, function: Any, arguments: Sequence[Any]) -> Any:
        value = self._outcome(name, function, arguments)
        if inspect.isawaitable(value):
            if inspect.iscoroutine(value):
                value.close()
            text = f"`{name}` is `async def`, and nothing awaits it: make it `def`."
            raise self._reject(Rejected("async-where-sync", text))
        if inspect.isgenerator(value) or inspect.isasyncgen(value):
            text = (
                f"`{name}` returned a generator. Return the value itself: a list, for"
                " example, and `return` in place of `yield`."
            )
            raise self._reject(Rejected("yields", text))
        return value

    def _outcome(self, name: str, function: Any, arguments: Sequence[Any]) -> Any:
        try:
            value = function(*arguments)
        except BaseException as error:  # noqa: BLE001  # each ends in a sentence
            return self._raised(name, error)
        if isinstance(value, self._may_raise):
            text = f"`{name}` returned {shown(value)}: use `raise`, not `return`."
            raise self._reject(Rejected("returns-an-exception", text))
        return value

    def _raised(self, name: str, error: BaseException) -> Any:
        kinds = {kind.__name__ for kind in self._may_raise}
        if isinstance(error, NotImplementedError):
            raise self._reject(StillToDo(str(error))) from None
        if isinstance(error, self._may_raise):
            return error
        if kinds & {kind.__name__ for kind in type(error).__mro__}:
            return self._may_raise[0](str(error))  # a `Refused` of the answer's own
        if isinstance(error, Rejected | KeyboardInterrupt | asyncio.CancelledError):
            raise error
        text = _sentence(name, error)
        if kinds:
            text += f" It may only raise `{'` or `'.join(sorted(kinds))}`."
        raise self._reject(Rejected("raises", text)) from None

    def _reject(self, why: Rejected | StillToDo) -> Rejected | StillToDo:
        self.rejected(why)
        return why

    def _fits(self, value: Any, arguments: Sequence[Any]) -> None:
        if isinstance(value, self._may_raise) or fits(value, self._returns):
            return
        names = zip(self.call.arguments, arguments, strict=False)
        cut = [(name, shown(each, 30)) for name, each in names]
        listed = ", ".join(
            name if "…" in text or "..." in text else text for name, text in cut
        )
        called = f"{self.name}({listed})" if arguments else self.name
        text = f"`{called}` returned {shown(value)}; it should return {self._wants}."
        raise self._reject(Rejected("wrong-type", text))

    def _notice(self, arguments: Sequence[Any], given: Sequence[Any]) -> None:
        for name, before, after in zip(
            self.call.arguments, arguments, given, strict=False
        ):
            if isinstance(before, list | dict | set) and not _same(before, after):
                self.changed = name


def _takes(function: Any, call: Call, name: str) -> None:
    """Raise `Rejected` where a function does not take the arguments of its call."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some callables have none: the call will show it
        return
    try:
        signature.bind(*call.arguments)
    except TypeError as error:
        text = (
            f"It is called as `{name}({', '.join(call.arguments)})`,"
            f" and yours does not take that: {error}."
        )
        raise Rejected("wrong-signature", text) from None


def _sentence(name: str, error: BaseException) -> str:
    """Return what to say about an exception that an answer let out."""
    try:
        reason = " ".join(str(error).partition("For further information")[0].split())
    except Exception:  # noqa: BLE001  # a reader's __str__ may raise anything
        reason = ""
    if isinstance(error, RecursionError):
        return f"`{name}` calls itself too often{where(error)}: {reason}."
    reason = reason[:200]
    text = f"`{name}` raised {type(error).__name__}{': ' + reason if reason else ''}"
    text = f"{text.rstrip('.')}{where(error)}."
    if "unhashable type" in reason:
        text += " It can't be in a set or be a key: use its name."
    elif "cannot be called from a running" in reason or "already running" in reason:
        text += " A loop runs already: use `await` instead of starting another."
    elif isinstance(error, SystemExit):
        text += " That would end the whole kernel: return instead."
    return text


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, BaseException) or isinstance(other, BaseException):
        return type(one) is type(other)
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001  # a reader's __eq__ may raise anything
        return False


async def _ended(value: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """Await; return what it raised, so that SystemExit does not end the loop."""
    try:
        return await value, None
    except KeyboardInterrupt:  # Ctrl-C, or the limit on processor time
        raise
    except BaseException as error:  # noqa: BLE001  # the caller decides
        return None, error
