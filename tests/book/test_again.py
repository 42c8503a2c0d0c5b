"""The directive `again`, the index of all questions, and what predictions cover."""

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.book.test_directives import build, one, words

TOC = "# Book\n\n```{toctree}\nchapters/01-one\nchapters/02-two\n```\n"
FIRST = """\
# One

:::{predict} guess
How many?

- [x] One
- [ ] Two
:::

:::{question} methods
Which may be sent *again*? See {doc}`02-two` and {ref}`here <there>`.

- [x] `GET`

  It {index}`asks <asking>`; see {doc}`the second </chapters/02-two>`.
- [ ] `POST`
:::

(there)=
## There

```{exercise-card} 1.1
```
"""
SECOND = """\
# Two

::::{quiz} before Three from before
```{again} methods
```

:::{question} new
New, or {index}`asked`?

- [x] Yes
- [ ] No
:::
::::
"""
CELLS = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  name: python3
  display_name: Python 3
---

# T

```{code-cell} ipython3
print("before")
```

:::{predict} sum
What is the sum?

- [x] 3
- [ ] 4
:::

```{code-cell} ipython3
print("first")
```

```{code-cell} ipython3
from myst_nb import glue

glue("three", 1 + 2, display=False)
```

It was {glue:text}`three`, and that says it.

This says nothing of it.

:::{predict} other
And this?

- [x] 3
- [ ] 4
:::

```{code-cell} ipython3
print("second")
```

## Next

```{code-cell} ipython3
print("after")
```
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of two chapters, the second of which repeats a question."""
    folder = tmp_path_factory.mktemp("again")
    (folder / "chapters").mkdir()
    pages = {"index": TOC, "chapters/01-one": FIRST, "chapters/02-two": SECOND}
    code, output = build(folder, pages, "-W")
    assert code == 0, output
    return folder / "out"


def page(book: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((book / name / "index.html").read_text(), "html.parser")


@pytest.mark.slow
def test_question_is_repeated_and_leads_to_where_it_was_asked(book: Path) -> None:
    second = page(book, "chapters/02-two")
    question = one(second, "#question-methods")
    assert ("methods", "one", "a", "true") == (
        question["data-question"],
        question["data-form"],
        question["data-answer"],
        question["data-again"],
    )
    assert "First asked in 01 One ." == words(one(question, ".mp-from"))
    assert "../01-one/" == one(question, ".mp-from a")["href"]
    quiz = one(second, "section.mp-quiz")
    asked = [each["data-question"] for each in quiz.select("[data-kind=question]")]
    assert ["methods", "new"] == asked


@pytest.mark.slow
def test_ids_on_a_page_that_repeats_a_question_are_unique(book: Path) -> None:
    """Docutils numbers them by page: an index entry, a citation."""
    ids = [str(each["id"]) for each in page(book, "chapters/02-two").select("[id]")]
    assert "index-0" in ids
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.slow
def test_links_of_a_repeated_question_lead_to_the_same_places(book: Path) -> None:
    question = one(page(book, "chapters/02-two"), "#question-methods")
    links = [link["href"] for link in question.select(".mp-stem a")]
    assert ["#", "../01-one/#there"] == [
        link.replace("../02-two/", "#") for link in links
    ]


@pytest.mark.slow
def test_index_lists_what_there_is_to_do_once_in_reading_order(book: Path) -> None:
    index = json.loads((book / "_static/book-index.json").read_text("utf-8"))
    assert "movingparts.index/1" == index["format"]
    listed = [
        (page["title"], item["kind"], item["id"], item["address"])
        for page in index["pages"]
        for item in page["items"]
    ]
    one, two = "chapters/01-one/", "chapters/02-two/"
    assert [
        ("01 One", "predict", "guess", f"{one}#predict-guess"),
        ("01 One", "question", "methods", f"{one}#question-methods"),
        ("01 One", "exercise", "1.1", f"{one}#exercise-1-1"),
        ("02 Two", "question", "new", f"{two}#question-new"),
    ] == listed
    assert "Exercise 1.1: Charge once" == index["pages"][0]["items"][2]["title"]


QUIZ = ":::{question} late\nQ\n\n- [x] A\n- [ ] B\n:::\n"
BAD = {
    "a-unknown": ("```{again} nowhere\n```", "again 'nowhere': no page asks it."),
    "b-early": (
        "```{again} late\n```",
        "again 'late': c-late asks it, and comes",
    ),
    "c-late": (
        QUIZ + "\n```{again} late\n```",
        "again 'late': this very page asks",
    ),
}


@pytest.mark.slow
def test_question_that_may_not_be_repeated_is_an_error_in_words(tmp_path: Path) -> None:
    pages = {name: f"# T\n\nText.\n\n{text}\n" for name, (text, _) in BAD.items()}
    pages["index"] = "# T\n\n```{toctree}\n" + "\n".join(BAD) + "\n```\n"
    code, output = build(tmp_path, pages, "-W", "--keep-going")
    assert code == 1, output
    for name, (_, complaint) in BAD.items():
        found = re.search(rf"{name}\.md:\d+: WARNING: (.*)", output)
        assert found is not None, output
        assert found[1].startswith(complaint)


@pytest.mark.slow
def test_id_that_two_pages_use_is_refused(tmp_path: Path) -> None:
    """A reader's answers are kept by the id."""
    pages = dict.fromkeys(("a", "b"), f"# T\n\nText.\n\n{QUIZ}")
    pages["index"] = "# T\n\n```{toctree}\na\nb\n```\n"
    code, output = build(tmp_path, pages, "-W", "--keep-going")
    assert code == 1, output
    assert "question 'late' is on the page a as well" in output


@pytest.mark.slow
def test_outputs_up_to_the_next_heading_or_prediction_are_foretold(
    tmp_path: Path,
) -> None:
    code, output = build(tmp_path, {"index": CELLS}, "-W")
    assert code == 0, output
    built = BeautifulSoup((tmp_path / "out/index.html").read_text(), "html.parser")
    foretold = [words(place) for place in built.select(".mp-predicted > .cell_output")]
    assert ["first", "second"] == foretold
    # A sentence with a number of the run would give the output away.
    reported = [place.get_text() for place in built.select(".mp-predicted > p")]
    assert ["It was 3, and that says it."] == reported
    assert 4 == len(built.select(".cell_output"))


@pytest.mark.slow
def test_progress_page_reads_without_scripts(tmp_path: Path) -> None:
    code, output = build(tmp_path, {"index": "# Mine\n\n```{progress}\n```\n"}, "-W")
    assert code == 0, output
    built = BeautifulSoup((tmp_path / "out/index.html").read_text(), "html.parser")
    place = one(built, "[data-progress]")
    assert "book-index.json" == place["data-progress"]
    assert "scripts are off" in words(place)
