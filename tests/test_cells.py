"""Which cells need sockets is what a browser tab would find."""

import pytest

from tests.cells import need_sockets

OPEN = "world = await LocalWorld.open()\nreply = 1"


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["from movingparts.world import LocalWorld", "1 + 1"], [False, False]),
        (["async with LocalWorld() as world:\n    reply = 1", "reply"], [True, True]),
        ([OPEN, "world", "2"], [True, True, False]),
        # What comes before the end of a cell is there, what comes after it is not.
        (["early = 1\nworld = LocalWorld()\nlate = 2", "early"], [True, False]),
        (["early = 1\nworld = LocalWorld()\nlate = 2", "late"], [True, True]),
        # To define a function is not to call it.
        ([OPEN, "def f():\n    return world", "f"], [True, False, True]),
        ([OPEN, "def f():\n    def g():\n        return world", "f()"], [1, 0, 1]),
        ([OPEN, "async def f(world):\n    return world", "f"], [True, False, False]),
        ([OPEN, "f = lambda: world", "f()"], [True, False, True]),
        ([OPEN, "[n for n in reply]", "[reply for reply in (1,)]"], [1, 1, 0]),
        ([OPEN, "class City:\n    place = world"], [True, True]),
        # A name that is bound anew is there again.
        ([OPEN, "reply = 2", "reply"], [True, False, False]),
        ([OPEN, "from movingparts.world import LocalWorld", "LocalWorld()"], [1, 0, 1]),
    ],
)
def test_a_cell_needs_sockets(cells: list[str], wanted: list[bool]) -> None:
    assert [bool(each) for each in wanted] == need_sockets(cells)
