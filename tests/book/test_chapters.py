"""A chapter is read as it is written, and run as the build runs it."""

from __future__ import annotations

from tests.book.chapters import Page

TEXT = """\
---
kernelspec: {name: python3}
---

# A page

Ada waits {glue:text}`wait:.1f` s, as a {term}`timeout <time out>` says {cite:p}`one`.

```{code-cell} ipython3
:tags: [live]
import asyncio

SEED = 7
wait = await asyncio.sleep(0, 1.5)
```

```{code-cell} ipython3
:tags: [remove-cell]
from movingparts.draw.glue import glue

glue("wait", wait)
```

## In production

```{code-cell} ipython3
async with LocalWorld() as world:
    wait = "never"
```

```{exercise-card} 2.1
```
"""
PAGE = Page("02-a/1-page", TEXT)


def test_cells_have_their_tags_and_say_whether_they_need_sockets() -> None:
    found = [(sorted(cell.tags), cell.local) for cell in PAGE.cells]
    assert [(["live"], False), (["remove-cell"], False), ([], True)] == found
    assert PAGE.cells[0].source.startswith("import asyncio\n")


def test_words_are_counted_as_a_reader_sees_them() -> None:
    """A number and a citation are a word each; code, cards and options are none."""
    text = "A page Ada waits 1.5 s as a timeout says (One) In production"
    assert len(text.split()) == PAGE.words


def test_cells_are_run_in_order_but_those_that_need_sockets() -> None:
    assert {"wait": 1.5} == PAGE.run()["glued"]
    assert 1.5 == PAGE.run()["wait"]
    assert {"wait"} == PAGE.numbers


def test_cards_and_sections_are_those_of_the_page() -> None:
    assert (2, ["2.1"], ["In production"]) == (PAGE.number, PAGE.cards, PAGE.sections)
