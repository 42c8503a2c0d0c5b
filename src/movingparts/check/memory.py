"""What an answer remembers beside its objects: it is gone when a process crashes."""

from __future__ import annotations

import copy
import dis
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from movingparts.check.meter import of_the_answer

_ABSENT: Any = object()
_CONTAINERS = (dict, list, set, deque)
_MADE_BY_PYTHON = {"__dict__", "__weakref__", "__doc__", "__module__", "__slots__"}
_MADE_BY_PYTHON |= {"__annotations__", "__qualname__", "__static_attributes__"}
_MADE_BY_PYTHON |= {"__firstlineno__", "__abstractmethods__", "_abc_impl"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something is kept: how it is put there, what it was, and what was in it."""

    put: Callable[[Any], None]
    value: Any
    content: Any

    def put_back(self) -> None:
        value = self.value
        if self.content is not _ABSENT:
            value = _refilled(value, copy.deepcopy(self.content))
        self.put(value)


class Memory:
    """The class attributes, global variables, defaults and cells of an answer.

    `forget` makes them what they were when this was made, as in a new process.

    >>> def remember(bike, taken=[]):
    ...     taken.append(bike)
    ...     return len(taken)
    >>> memory = Memory(remember)
    >>> remember("B7"), remember("B8")
    (1, 2)
    >>> memory.forget()
    >>> remember("B9")
    1

    Leaves out: what the answer's own code does not name, and what is inside objects
    other than containers and those of the reader's own classes.
    """

    def __init__(self, answer: object) -> None:
        self._places: list[_Place] = []
        self._seen: set[int] = set()
        self._visit(answer)

    def forget(self) -> None:
        """Put everything back."""
        for place in self._places:
            place.put_back()

    def _visit(self, thing: object) -> None:
        if id(thing) in self._seen:
            return
        self._seen.add(id(thing))
        if isinstance(thing, staticmethod | classmethod):
            self._visit(thing.__func__)
        elif isinstance(thing, property):
            for function in (thing.fget, thing.fset, thing.fdel):
                self._visit(function)
        elif isinstance(thing, FunctionType):
            self._visit_function(thing)
        elif isinstance(thing, type) and _is_own(thing.__module__):
            self._visit_class(thing)
        elif isinstance(thing, partial):
            self._visit(thing.func)
        elif hasattr(thing, "__wrapped__"):  # functools' caches, other decorators
            clear = getattr(thing, "cache_clear", None)
            if callable(clear):
                self._places.append(_Place(lambda _: clear(), None, _ABSENT))
            self._visit(thing.__wrapped__)

    def _visit_class(self, kind: type) -> None:
        for base in kind.__mro__[1:]:
            self._visit(base)
        for name, value in list(vars(kind).items()):
            if name not in _MADE_BY_PYTHON:
                self._keep(value, _attribute(kind, name))
        known = set(vars(kind))

        def leave_known(_: Any) -> None:
            for name in set(vars(kind)) - known:
                if not name.startswith("__"):  # Python adds those as it needs them
                    delattr(kind, name)

        self._places.append(_Place(leave_known, None, _ABSENT))

    def _visit_function(self, function: FunctionType) -> None:
        if not of_the_answer(function.__code__.co_filename):
            return
        for value in function.__defaults__ or ():
            self._keep(value)
        for value in (function.__kwdefaults__ or {}).values():
            self._keep(value)
        for cell in function.__closure__ or ():
            self._keep(_held(cell), _content(cell))
        for name in sorted(_names(function.__code__)):
            value = function.__globals__.get(name, _ABSENT)
            self._keep(value, _global(function.__globals__, name))

    def _keep(self, value: Any, put: Callable[[Any], None] | None = None) -> None:
        """Note what stands somewhere; what is code is looked into instead."""
        code = isinstance(value, ModuleType | staticmethod | classmethod | property)
        if code or callable(value):
            self._visit(value)
            return
        content = _ABSENT
        if isinstance(value, _CONTAINERS) or _is_own(type(value).__module__):
            with suppress(Exception):
                content = copy.deepcopy(value)
        self._places.append(_Place(put or _nowhere, value, content))


def _nowhere(value: Any) -> None:
    """A default's place cannot be changed, only its content."""


def _is_own(module: str) -> bool:
    if module in sys.stdlib_module_names:
        return False
    home = getattr(sys.modules.get(module), "__file__", None)
    return home is None or of_the_answer(home)


def _names(code: CodeType) -> set[str]:
    """Return the global names of a function and of those within it."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    own = {
        step.argval
        for step in dis.get_instructions(code)
        if step.opname.endswith(("_GLOBAL", "_NAME"))
    }
    return own.union(*(_names(each) for each in inner))


def _attribute(kind: type, name: str) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        with suppress(AttributeError, TypeError):  # a slot, or the like
            if vars(kind).get(name, _ABSENT) is not value:
                setattr(kind, name, value)

    return put


def _global(names: dict[str, Any], name: str) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        if value is _ABSENT:
            names.pop(name, None)
        else:
            names[name] = value

    return put


def _held(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _ABSENT


def _content(cell: CellType) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        if value is not _ABSENT:
            cell.cell_contents = value

    return put


def _refilled(value: Any, content: Any) -> Any:
    """Return the same object with its first content, or a copy where that cannot be."""
    if isinstance(value, dict | set):
        value.clear()
        value.update(content)
    elif isinstance(value, list):
        value[:] = content
    elif isinstance(value, deque):
        value.clear()
        value.extend(content)
    elif hasattr(value, "__dict__"):
        vars(value).clear()
        vars(value).update(vars(content))
    else:
        return content
    return value
