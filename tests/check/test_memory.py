"""What an answer remembers beside its objects is forgotten, and nothing else."""

import functools
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from movingparts.check.memory import Memory

TAKEN, OPEN, RECENT, NAMES = [], {"B7": 1}, deque([1]), {"ada"}
COUNT = 0


def lists():
    TAKEN.append(1)
    return len(TAKEN)


def nests():
    OPEN.setdefault("inner", []).append(1)
    return len(OPEN["inner"])


def queues():
    RECENT.append(2)
    return len(RECENT)


def collects():
    NAMES.add(f"rider-{len(NAMES)}")
    return len(NAMES)


def rebinds():
    global COUNT  # noqa: PLW0603  # the point of this answer
    COUNT += 1
    return COUNT


def invents():
    global _invented  # noqa: PLW0603  # the point of this answer
    _invented = globals().get("_invented", 0) + 1
    return _invented


def defaults(taken=[]):  # noqa: B006  # the point of this answer
    taken.append(1)
    return len(taken)


def keywords(*, taken={}):  # noqa: B006  # the point of this answer
    taken[len(taken)] = 1
    return len(taken)


def _counter():
    count = 0

    def counts():
        nonlocal count
        count += 1
        return count

    return counts


def _collector():
    found = []

    def collects():
        found.append(1)
        return len(found)

    return collects


@functools.cache
def _cached():
    return []


def caches():
    _cached().append(1)
    return len(_cached())


class Bare:
    taken: ClassVar = {}

    def __init__(self):
        self.taken[len(self.taken)] = 1

    def __call__(self):
        return len(self.taken)


class Counted:
    made = 0

    @classmethod
    def make(cls):
        cls.made += 1
        return cls.made

    def __call__(self):
        return self.make()


class Grows:
    def __call__(self):
        type(self).seen = getattr(self, "seen", 0) + 1
        return self.seen


class Inherits(Counted):
    pass


class Static:
    taken: ClassVar = []

    @staticmethod
    def take():
        Static.taken.append(1)

    @property
    def number(self):
        self.take()
        return len(self.taken)

    def __call__(self):
        return self.number


@dataclass
class Registry:
    found: list = field(default_factory=list)


REGISTRY = Registry()


def registers():
    REGISTRY.found.append(1)
    return len(REGISTRY.found)


@dataclass(slots=True)
class Box:
    count: int = 0


BOX = Box()


def boxes():
    BOX.count += 1
    return BOX.count


def helps():
    return lists()


class Decorated:
    def __init__(self, function):
        self.__wrapped__ = function

    def __call__(self):
        return self.__wrapped__()


FUNCTIONS = [lists, nests, queues, collects, rebinds, invents, defaults, keywords]
FUNCTIONS += [_counter(), _collector(), caches, registers, boxes, helps]
OTHERS = [Decorated(lists), functools.partial(lists), functools.cache(lists)]
CLASSES = [Bare, Counted, Grows, Inherits, Static]


@pytest.mark.parametrize("answer", FUNCTIONS, ids=lambda each: each.__name__)
def test_a_function_forgets(answer):
    memory = Memory(answer)
    first, second = answer(), answer()
    assert first < second
    memory.forget()
    assert (first, second) == (answer(), answer())
    memory.forget()


@pytest.mark.parametrize("answer", OTHERS, ids=["decorated", "partial", "cached"])
def test_what_a_function_is_wrapped_in_hides_nothing(answer):
    memory = Memory(answer)
    assert answer() == 1
    memory.forget()
    assert ([], 1) == (list(TAKEN), answer())
    memory.forget()


@pytest.mark.parametrize("answer", CLASSES)
def test_a_class_forgets(answer):
    memory = Memory(answer)
    first, second = answer()(), answer()()
    assert first < second
    memory.forget()
    assert (first, second) == (answer()(), answer()())
    memory.forget()


def test_the_same_object_stands_in_the_same_place_again():
    before = TAKEN
    memory = Memory(lists)
    lists()
    memory.forget()
    assert TAKEN is before
    assert [] == TAKEN


def test_what_the_answer_does_not_name_is_left_alone():
    memory = Memory(lists)
    OPEN["other"] = 1
    memory.forget()
    assert OPEN.pop("other") == 1


def test_what_belongs_to_a_library_is_put_back_and_not_looked_into():
    import json

    def encodes():
        return json.dumps(LIBRARY)

    memory = Memory(encodes)
    assert encodes() == "1"
    memory.forget()
    assert json.dumps is encodes.__globals__.get("json", json).dumps


LIBRARY = 1


class Stubborn:
    """Cannot be copied, and says so rudely."""

    def __deepcopy__(self, memo):
        raise RuntimeError("no")


STUBBORN = Stubborn()


def is_stubborn():
    return STUBBORN


def test_what_cannot_be_copied_is_left_as_it_is():
    memory = Memory(is_stubborn)
    memory.forget()
    assert is_stubborn() is STUBBORN


def test_an_empty_cell_and_a_thing_that_is_no_code_are_no_trouble():
    def outer():
        def inner():
            return later

        memory = Memory(inner)
        memory.forget()
        later = 1
        return inner()

    assert outer() == 1
    Memory(42).forget()
    Memory(len).forget()
    Memory(pytest.approx).forget()
