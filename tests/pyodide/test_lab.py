"""What a checker can stop in Pyodide, where there is no alarm, and what is absent."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

CODE = """
import json, time
from movingparts.check import check, exercises
from movingparts.world import LocalWorld
WRONG = {
    "unsure": 'def verdict(outcome): return "unknown"',
    "deep": "def verdict(outcome): return verdict(outcome)",
    "sleeps": "def verdict(outcome): time.sleep(9)",
}

def evaluated(exercise, text):
    names = {"time": time}
    exec(compile(text, "<cell>", "exec"), names)
    verdict = check(exercise.id, names[exercise.call.name])
    return [verdict.state, verdict.misconception]

first = exercises()[0]
wrong = {name: evaluated(first, text) for name, text in WRONG.items()}
try:
    await LocalWorld.open(seed=7)
except Exception as error:
    absent = [type(error).__name__, repr(LocalWorld())]
answers |= {"wrong": wrong, "absent": absent}
"""


def test_wrong_answers_are_rejected_for_their_own_reason(
    answers: dict[str, Any],
) -> None:
    """What sleeps is refused. What never ends is ended with the tab's worker."""
    reasons = {name: reason for name, (_, reason) in answers["wrong"].items()}
    assert reasons.pop("unsure") not in {"", "raises"}
    assert reasons.pop("sleeps") == "blocks"
    assert reasons == {"deep": "raises"}


def test_a_local_world_is_absent_and_says_so(answers: dict[str, Any]) -> None:
    assert ["NeedsLocalKernel", "<LocalWorld: needs a local kernel>"] == (
        answers["absent"]
    )
