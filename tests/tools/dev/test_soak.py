"""What `make soak` finds wrong; the kills themselves are outside the suite."""

import pytest

from tools.dev.soak import Found

RIGHT = {
    "acknowledged": ["a", "b"],
    "committed": ["a", "b", "c"],
    "charged": ["a", "c", "b"],
    "journal": {"B1": [1, 2], "B2": [1]},
}


def test_nothing_is_broken_where_each_event_is_applied_once_and_in_order() -> None:
    assert [] == Found(**RIGHT).broken()  # type: ignore[arg-type]  # a mix of fields


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"acknowledged": ["a", "x"]}, "1 acknowledged and not committed"),
        ({"charged": ["a", "b"]}, "1 committed and never charged"),
        ({"charged": ["a", "b", "c", "b"]}, "1 charged more than once"),
        ({"charged": ["a", "b", "c", "x"]}, "1 charged and never committed"),
        ({"journal": {"B1": [2, 1], "B2": [1]}}, "B1: applied out of order"),
        ({"journal": {"B1": [1, 2]}}, "2 of 3 in the journal"),
    ],
)
def test_names_what_is_broken(changed: dict[str, object], expected: str) -> None:
    assert [expected] == Found(**(RIGHT | changed)).broken()  # type: ignore[arg-type]  # a mix of fields
