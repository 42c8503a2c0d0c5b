"""The directives predict, quiz and exercise-card: what they show, what they refuse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from moving_parts_book.exercise_card import RegistryError, read_registry

from tests.book.conftest import EXTENSIONS

CONF = """\
extensions = ["myst_nb", "moving_parts_book"]
myst_enable_extensions = ["colon_fence", "smartquotes"]
moving_parts_exercises = "registry:exercises"
html_theme = "basic"
"""
REGISTRY = """\
from types import SimpleNamespace


def exercise(number, hints=("Look.", "Look *twice*.", "Use the key."), level="medium"):
    return SimpleNamespace(
        id=number,
        title="Charge once",
        difficulty=level,
        minutes=30,
        statement="Make `charge` safe to *repeat*.",
        hints=hints,
        solution="async def charge(key):\\n    return key\\n",
    )


def exercises():
    few = exercise("1.2", hints=("Only one.",))
    return [exercise("1.1"), few, exercise("1.3", level="?")]
"""
GOOD = """\
# Questions

:::{predict} lost-reply
How often is the rider **charged**?

- [ ] Once, as `rides` says.

  The reply was lost, not the charge.
- [x] Twice.

  The retry charges again.
:::

::::{quiz} recall Three from before

:::{question} fail-alone
:form: several
Which fail independently?

- [x] Two processes
- [x] Two machines
- [ ] Two functions
:::

:::{question} how-long
:form: number
:answer: 0.05
:tolerance: 0.01
:unit: s
How long?
:::

:::{question} sort
:form: order
What comes first?

1. The request.

   Nothing is known before it.
2. The charge.
3. The reply.
:::
::::

````{predict} with-a-why
:form: number
:answer: 3
How many?

:::{why}
Because of the *retry*.
:::
````

```{exercise-card} 1.1
```
"""


def build(folder: Path, pages: dict[str, str], *options: str) -> tuple[int, str]:
    """Build a small book of these pages; return the exit code and the output."""
    (folder / "conf.py").write_text(CONF)
    (folder / "registry.py").write_text(REGISTRY)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text)
    path = os.pathsep.join([str(EXTENSIONS), str(folder)])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-q",
            "-n",
            "-b",
            "dirhtml",
            *options,
            ".",
            "out",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> BeautifulSoup:
    """A page with every directive, built."""
    folder = tmp_path_factory.mktemp("good")
    code, output = build(folder, {"index": GOOD}, "-W")
    assert code == 0, output
    return BeautifulSoup((folder / "out/index.html").read_text(), "html.parser")


def one(page: BeautifulSoup | Tag, selector: str) -> Tag:
    """The only element that a selector finds."""
    found = page.select(selector)
    assert len(found) == 1, f"{selector}: {len(found)}"
    return found[0]


def words(element: Tag) -> str:
    """The text of an element, with single spaces."""
    return re.sub(r"\s+", " ", element.get_text(" ")).strip()


@pytest.mark.slow
def test_prediction_names_its_answer_for_scripts(page: BeautifulSoup) -> None:
    question = one(page, "#predict-lost-reply")
    assert "predict" == question["data-kind"]
    assert "lost-reply" == question["data-question"]
    assert "one" == question["data-form"]
    assert "b" == question["data-answer"]
    options = question.select("ol.mp-options > li")
    assert ["a", "b"] == [option["data-option"] for option in options]


@pytest.mark.slow
def test_prediction_hides_answer_and_reasons_in_a_closed_fold(
    page: BeautifulSoup,
) -> None:
    """It reads without scripts: <details> opens by itself."""
    question = one(page, "#predict-lost-reply")
    fold = one(question, "details")
    assert not fold.has_attr("open")
    assert "retry charges again" in words(fold)
    right = one(fold, "[data-verdict=right]")
    assert words(right).startswith("B Right: Twice.")
    fold.extract()
    assert "retry charges again" not in words(question)
    assert "[x]" not in words(question)


@pytest.mark.slow
def test_question_may_have_several_answers(page: BeautifulSoup) -> None:
    assert "a b" == one(page, "#question-fail-alone")["data-answer"]


@pytest.mark.slow
def test_number_has_a_tolerance_and_a_unit(page: BeautifulSoup) -> None:
    question = one(page, "#question-how-long")
    assert ("0.05", "0.01", "s") == (
        question["data-answer"],
        question["data-tolerance"],
        question["data-unit"],
    )
    assert "0.05 s, give or take 0.01 s" in words(one(question, "details"))


@pytest.mark.slow
def test_order_is_shown_shuffled_and_answered_in_order(page: BeautifulSoup) -> None:
    question = one(page, "#question-sort")
    shown = {
        str(option["data-option"]): words(option)
        for option in question.select("ol.mp-options > li")
    }
    right = ["The request.", "The charge.", "The reply."]
    assert right != list(shown.values())
    answer = str(question["data-answer"]).split()
    assert right == [shown[letter] for letter in answer]
    reasons = question.select("ol.mp-reasons > li")
    assert answer == [reason["data-option"] for reason in reasons]


@pytest.mark.slow
def test_explanation_stands_behind_the_fold(page: BeautifulSoup) -> None:
    fold = one(page, "#predict-with-a-why details")
    assert "Because of the retry ." == words(fold.select("p")[-1])


@pytest.mark.slow
def test_quiz_has_a_title_that_labels_it(page: BeautifulSoup) -> None:
    quiz = one(page, "section.mp-quiz")
    title = one(page, f"#{quiz['aria-labelledby']}")
    assert "Three from before" == words(title)
    assert 3 == len(quiz.select("[data-kind=question]"))


@pytest.mark.slow
def test_exercise_shows_all_that_the_registry_tells(page: BeautifulSoup) -> None:
    card = one(page, "#exercise-1-1")
    assert ("exercise", "1.1", "medium") == (
        card["data-kind"],
        card["data-exercise"],
        card["data-difficulty"],
    )
    assert "Charge once" == words(one(card, ".mp-exercise-title"))
    assert "Make charge safe to repeat ." == words(one(card, ".mp-statement"))
    hints = card.select("details.mp-hint")
    assert ["1", "2", "3"] == [hint["data-hint"] for hint in hints]
    assert "Look twice ." in words(hints[1])
    assert "async def charge" in one(card, "details.mp-solution").get_text()
    assert [] == card.select("details[open]")


@pytest.mark.slow
def test_every_id_is_used_once(page: BeautifulSoup) -> None:
    ids = [tag["id"] for tag in page.select("section[id], p[id]")]
    assert len(set(ids)) == len(ids)


BAD = {
    "no-answer": (
        ":::{predict} lost\nQ\n\n- [ ] A\n- [ ] B\n:::",
        "predict 'lost': no option is marked as right. Put [x] before it.",
    ),
    "two-answers": (
        ":::{predict} lost\nQ\n\n- [x] A\n- [x] B\n:::",
        "predict 'lost': 2 options are marked [x]. Leave one, or add ':form: several'.",
    ),
    "no-mark": (
        ":::{predict} lost\nQ\n\n- [x] A\n- B\n:::",
        "predict 'lost': the option 'B' has no mark.",
    ),
    "no-options": (
        ":::{predict} lost\nHow often?\n:::",
        "predict 'lost' has no options: end it with a list of two or more.",
    ),
    "no-number": (
        ":::{predict} lost\n:form: number\nHow often?\n:::",
        "predict 'lost' asks for a number: add ':answer:' with it.",
    ),
    "not-a-number": (
        ":::{predict} lost\n:form: number\n:answer: many\nHow often?\n:::",
        "predict 'lost': ':answer: many' is not a number.",
    ),
    "odd-id": (
        ":::{predict} Lost_Reply\nQ\n\n- [x] A\n- [ ] B\n:::",
        "predict 'Lost_Reply': an id has lower-case letters, digits and single hyphens",
    ),
    "same-id": (
        (
            ":::{predict} a\nQ\n\n- [x] A\n- [ ] B\n:::\n\n"
            ":::{predict} a\nQ\n\n- [x] A\n- [ ] B\n:::"
        ),
        "predict 'a' is on this page already: give each its own id.",
    ),
    "empty-quiz": (
        ":::{quiz} empty\nNothing.\n:::",
        "quiz 'empty' has no question: write {question} in it.",
    ),
    "stray-why": (
        ":::{why}\nBecause.\n:::",
        "a {why} stands in no {question} or {predict}: move it into one.",
    ),
    "unknown-exercise": (
        "```{exercise-card} 9.9\n```",
        "exercise-card '9.9': no such exercise. There are: 1.1, 1.2, 1.3.",
    ),
    "too-few-hints": (
        "```{exercise-card} 1.2\n```",
        "exercise-card '1.2' has 1 hints: give it 3, of growing directness.",
    ),
    "unknown-lab": (
        "```{exercise-card} 1.1\n:lab: 99-nowhere\n```",
        "exercise-card 1.1: no page labs/99-nowhere.",
    ),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a build says to pages that are each wrong in one way."""
    folder = tmp_path_factory.mktemp("bad")
    pages = {name: f"# T\n\nText.\n\n{text}\n" for name, (text, _) in BAD.items()}
    names = "\n".join(pages)
    pages["index"] = f"# T\n\n```{{toctree}}\n{names}\n```\n"
    code, output = build(folder, pages, "-W", "--keep-going")
    assert code == 1, output
    return output


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_mistake_is_named_with_its_file_and_line(name: str, complaints: str) -> None:
    line = re.search(rf"{re.escape(name)}\.md:(\d+): \w+: (.*)", complaints)
    assert line is not None, complaints
    assert int(line[1]) >= 5
    assert line[2].startswith(BAD[name][1])


@pytest.mark.parametrize("address", ["nowhere:exercises", "json:exercises", "json"])
def test_registry_that_is_not_there_is_named(address: str) -> None:
    with pytest.raises(RegistryError) as refused:
        read_registry(address)
    output = str(refused.value)
    assert output.startswith(f"no exercises at {address!r}")
    assert output.endswith("must name a function, as module:function.")
