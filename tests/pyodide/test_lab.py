"""A lab's cells and its exercises in Pyodide, as the kernel of a browser tab has it.

The notebook itself runs in Chromium (tests/browser/test_lite.py); here its exercises
do, which take the longest.
"""

import pytest

from movingparts.check import exercises
from tests.pyodide import node

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

def judged(exercise, text):
    names = {"time": time}
    exec(compile(text, "<cell>", "exec"), names)
    verdict = check(exercise.id, names[exercise.call.name])
    return [verdict.state, verdict.misconception]

found = {each.id: judged(each, each.solution) for each in exercises()}
first = exercises()[0]
wrong = {name: judged(first, text) for name, text in WRONG.items()}
try:
    await LocalWorld.open(seed=7)
except Exception as error:
    absent = [type(error).__name__, repr(LocalWorld())]
json.dumps({"solutions": found, "wrong": wrong, "absent": absent})
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, dict]:
    """What the code says in Pyodide."""
    return node.answer(CODE)


def test_every_solution_passes_in_pyodide(answers: dict[str, dict]) -> None:
    states = {key: state for key, (state, _) in answers["solutions"].items()}
    assert {exercise.id for exercise in exercises()} == states.keys()
    assert {"passed"} == set(states.values()), states


def test_wrong_answers_are_rejected_for_their_own_reason(answers) -> None:
    """What sleeps is refused. What never ends is ended with the tab's worker."""
    reasons = {name: reason for name, (_, reason) in answers["wrong"].items()}
    assert reasons.pop("unsure") not in {"", "raises"}
    assert reasons.pop("sleeps") == "blocks"
    assert reasons == {"deep": "raises"}


def test_a_local_world_is_absent_and_says_so(answers: dict[str, dict]) -> None:
    assert ["NeedsLocalKernel", "<LocalWorld: needs a local kernel>"] == (
        answers["absent"]
    )
