"""The page "Your progress", and the store behind it, in Chromium."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.built import BUILT, CHAPTER, addresses
from tests.browser.chromium import MARKS
from tests.browser.reading import PROGRESS, axe_violations, records

pytestmark = MARKS
LAB = {
    "format": "movingparts.progress/1",
    "exercises": {
        "1.1": {"hints": 2, "checks": 3, "passed": True},
        "1.2": {"hints": 0, "checks": 1, "passed": False},
    },
}
KINDS = {
    "Predicted": ".mp-question[data-kind=predict]",
    "Answered": ".mp-question[data-kind=question]:not([data-again])",
    "Solved": ".mp-exercise",
}
HOSTILE = '<img src=x onerror="window.hurt=1">'


def ours(*rows: dict[str, Any]) -> dict[str, Any]:
    """A file as this page exports it."""
    return {"format": "movingparts.progress/2", "records": list(rows)}


def opened(reader: BrowserContext, base: str) -> Page:
    page = reader.new_page()
    page.goto(base + PROGRESS)
    expect(page.locator("[data-progress][data-ready]")).to_be_visible()
    return page


def imported(page: Page, text: object, name: str = "progress.json") -> None:
    body = text if isinstance(text, bytes) else json.dumps(text).encode()
    page.get_by_label("Take over a file").set_input_files(
        {"name": name, "mimeType": "application/json", "buffer": body}
    )


def shown(page: Page) -> str:
    status = page.locator(".mp-manage [role=status]")
    expect(status).not_to_have_text("")
    return status.inner_text()


def there_are(path: str) -> dict[str, int]:
    """How many predictions, questions and exercises a built page has of its own."""
    text = (BUILT / path / "index.html").read_text("utf-8")
    article = BeautifulSoup(text, "html.parser").select_one("article.bd-article")
    assert article is not None
    return {kind: len(article.select(where)) for kind, where in KINDS.items()}


CHAPTERS = [there_are(path) for path in addresses() if path.startswith("chapters/")]
IN_ALL = {kind: sum(chapter[kind] for chapter in CHAPTERS) for kind in KINDS}


def expect_totals(page: Page, **done: int) -> None:
    """The page says that so much is done of what the book has."""
    totals = [f"{done.get(kind, 0)} of {n}" for kind, n in IN_ALL.items()]
    expect(page.locator(".mp-totals dd")).to_have_text(totals)


def test_page_lists_all_there_is_by_chapter_with_links(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    expect_totals(page)
    expect(page.get_by_role("heading", name="01.1 One lost reply")).to_be_visible()
    groups = page.locator(".mp-done h3").all_inner_texts()
    assert groups == [
        f"{kind}: 0 of {n}" for each in CHAPTERS for kind, n in each.items() if n
    ]
    page.get_by_role("link", name="Exercise 1.3: Split it in two").click()
    expect(page).to_have_url(re.compile(r"/3-what-splitting-buys/#exercise-1-3$"))
    expect(page.locator("#exercise-1-3")).to_be_in_viewport()


def test_page_follows_what_is_answered_in_another_tab(
    reader: BrowserContext, base: str
) -> None:
    page, chapter = opened(reader, base), reader.new_page()
    chapter.goto(base + CHAPTER)
    question = chapter.locator("#question-01-await")
    question.locator("input[value=a]").check()
    question.get_by_role("button", name="Check").click()
    row = page.locator(".mp-done > section", has_text="Worth another look")
    expect(row.get_by_role("link")).to_have_count(1)
    expect(row).to_contain_text("not right the last time")
    expect_totals(page, Answered=1)
    expect(page.locator(".mp-done")).to_contain_text("✕ not right on ")
    prediction = chapter.locator("#predict-01-three-failures")
    prediction.get_by_role("button", name="Skip").click()
    expect(page.locator(".mp-done")).to_contain_text("skipped")
    expect_totals(page, Answered=1)


def test_question_answered_long_ago_is_worth_another_look(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    old = {"kind": "question", "answer": "c", "right": True, "tries": 1}
    imported(
        page,
        ours(
            old | {"id": "01-await", "at": 1_600_000_000_000},
            old | {"id": "01-methods", "at": 2_000_000_000_000_000},
        ),
    )
    again = page.locator(".mp-done > section", has_text="Worth another look")
    expect(again.get_by_role("listitem")).to_have_count(1)
    expect(again).to_contain_text("last answered on Sep 13, 2020")


def test_lab_progress_is_taken_over_and_what_says_more_is_kept(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    imported(page, LAB)
    assert shown(page).startswith("2 records of progress.json taken over")
    expect(page.locator(".mp-totals")).to_contain_text(f"1 of {IN_ALL['Solved']}")
    expect(page.locator(".mp-done")).to_contain_text("✓ solved, 2 hints")
    less = {"hints": 0, "checks": 9, "passed": False}
    imported(page, {"format": LAB["format"], "exercises": {"1.1": less}})
    expect(page.locator(".mp-manage [role=status]")).to_contain_text("1 record of")
    kept = {record["id"]: record for record in records(page)}["1.1"]
    assert (2, 9, True) == (kept["hints"], kept["checks"], kept["passed"])


def test_export_erase_and_import_bring_everything_back(
    reader: BrowserContext, base: str, tmp_path: Path
) -> None:
    page = opened(reader, base)
    answered = {"kind": "predict", "id": "01-tail", "answer": "18", "right": True}
    imported(page, ours(answered | {"tries": 2, "at": 1_700_000_000_000}))
    shown(page)
    before = records(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as a file").click()
    file = tmp_path / "mine.json"
    download.value.save_as(file)
    assert "moving-parts-progress.json" == download.value.suggested_filename
    page.get_by_role("button", name="Erase all progress").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Erase all progress")).to_be_focused()
    assert before == records(page)
    page.get_by_role("button", name="Erase all progress").click()
    dialog.get_by_role("button", name="Erase").click()
    expect(page.locator(".mp-manage [role=status]")).to_have_text(
        "All progress is erased."
    )
    assert [] == records(page)
    expect_totals(page)
    page.get_by_label("Take over a file").set_input_files(file)
    expect(page.locator(".mp-totals")).to_contain_text(f"1 of {IN_ALL['Predicted']}")
    assert before == records(page)


def test_erased_progress_covers_the_outputs_of_an_open_chapter(
    reader: BrowserContext, base: str
) -> None:
    page, chapter = opened(reader, base), reader.new_page()
    chapter.goto(base + CHAPTER)
    question = chapter.locator("#predict-01-three-failures")
    question.get_by_role("button", name="Skip").click()
    expect(page.locator(".mp-done")).to_contain_text("skipped")
    page.get_by_role("button", name="Erase all progress").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase").click()
    expect(question.get_by_role("button", name="Skip")).to_be_visible()
    expect(chapter.locator(".mp-predicted.mp-shown")).to_have_count(0)


DAMAGED = "This progress file is damaged: a record in it is not whole."
NO_FORMAT = "This file is no progress file:"
BAD = {
    "not JSON": (b"\x00\xff{", "This file is not JSON:"),
    "deep": (b"[" * 200_000, "This file is not JSON:"),
    "a list": ([], NO_FORMAT),
    "null": (None, NO_FORMAT),
    "another format": ({"format": "x", "records": []}, NO_FORMAT),
    "no records": ({"format": "movingparts.progress/2"}, NO_FORMAT),
    "no exercises": ({"format": "movingparts.progress/1", "exercises": []}, NO_FORMAT),
    "a row that is text": (
        {"format": "movingparts.progress/1", "exercises": {"1.1": "solved"}},
        DAMAGED,
    ),
    "a hostile id": (ours({"kind": "exercise", "id": HOSTILE}), DAMAGED),
    "an odd kind": (ours({"kind": "constructor", "id": "1.1"}), DAMAGED),
    "a negative count": (ours({"kind": "exercise", "id": "1", "hints": -1}), DAMAGED),
    "a date that is none": (
        ours({"kind": "exercise", "id": "1", "at": 1e300}),
        DAMAGED,
    ),
    "one bad row after a good one": (
        ours({"kind": "exercise", "id": "1.1", "passed": True}, {"kind": "exercise"}),
        DAMAGED,
    ),
    "too many": (
        ours(*({"kind": "exercise", "id": f"{n}"} for n in range(5_001))),
        "This file has 5001 records, more than the book has questions.",
    ),
    "too big": (b" " * 1_000_001, "This file has more than a megabyte"),
}


@pytest.fixture(scope="module")
def page_for_files(browser: Browser, base: str) -> Iterator[Page]:
    """The page, for files that are not to change anything of it."""
    with browser.new_context() as context:
        yield opened(context, base)


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_refused_in_a_sentence_and_changes_nothing(
    page_for_files: Page, name: str
) -> None:
    text, sentence = BAD[name]
    page = page_for_files
    page.locator(".mp-manage [role=status]").evaluate("said => said.replaceChildren()")
    imported(page, text)
    answer = shown(page)
    assert answer.startswith(sentence)
    assert answer.endswith("Nothing was changed.")
    assert [] == records(page)


def test_hostile_text_is_shown_as_text(reader: BrowserContext, base: str) -> None:
    page = opened(reader, base)
    rows = [
        {"kind": "exercise", "id": "__proto__", "page": "javascript:alert(1)"},
        {"kind": "question", "id": "01-await", "answer": HOSTILE, "right": True},
        {"kind": "predict", "id": "01-three-failures", "answer": "q", "tries": 1},
    ]
    imported(page, ours(*rows), name=f"{HOSTILE}.json")
    assert HOSTILE in shown(page)
    expect(page.locator(".mp-done")).to_contain_text("__proto__")
    links = page.locator(".mp-progress a").evaluate_all("all => all.map(a => a.href)")
    assert all(link.startswith(base) for link in links)
    page.goto(base + CHAPTER)
    expect(page.locator(".mp-question[data-ready=true]")).to_have_count(4)
    # Answers that the questions do not have are taken for none.
    expect(page.locator("#question-01-await .mp-status")).to_have_text("")
    expect(page.locator("#predict-01-three-failures .mp-status")).to_have_text("")
    assert page.evaluate("window.hurt") is None


def test_record_that_another_program_has_spoiled_is_left_out(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    page.evaluate(
        """() => new Promise((done) => {
          const asked = indexedDB.open("moving-parts:/moving-parts/", 1);
          asked.onsuccess = () => {
            const work = asked.result.transaction("done", "readwrite");
            const store = work.objectStore("done");
            store.put({key: 7});
            store.put({key: "exercise/1.1", kind: "exercise", id: "1.1", at: "soon"});
            store.put({key: "exercise/1.2", kind: "exercise", id: "1.2", at: 5,
              checks: 1, passed: true});
            work.oncomplete = done;
          };
        })"""
    )
    page.reload()
    expect(page.locator(".mp-totals")).to_contain_text(f"1 of {IN_ALL['Solved']}")


def test_without_storage_the_page_says_so_and_works(
    refusing: BrowserContext, base: str
) -> None:
    page = opened(refusing, base)
    expect(page.locator(".mp-not-stored")).to_have_text(
        "The browser refuses storage: progress is not kept in this window."
    )
    imported(page, LAB)
    expect(page.locator(".mp-totals")).to_contain_text(f"1 of {IN_ALL['Solved']}")
    page.reload()
    expect(page.locator(".mp-totals")).to_contain_text(f"0 of {IN_ALL['Solved']}")
    page.close()


def test_without_scripts_one_line_says_why_nothing_shows(
    browser: Browser, base: str
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(base + PROGRESS)
        expect(page.get_by_text("scripts are off")).to_be_visible()


def test_list_that_does_not_load_is_named(reader: BrowserContext, base: str) -> None:
    page = reader.new_page()
    page.route("**/book-index.json", lambda route: route.abort())
    page.goto(base + PROGRESS)
    expect(page.get_by_role("alert")).to_contain_text("What is kept is not lost")
    expect(page.get_by_role("button", name="Export as a file")).to_be_visible()


def test_page_is_in_the_navigation(reader: BrowserContext, base: str) -> None:
    page = reader.new_page()
    page.goto(base + CHAPTER)
    page.locator("nav.bd-links").get_by_role("link", name="Your progress").click()
    expect(page).to_have_url(base + PROGRESS)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_no_axe_violation_and_no_sideways_scrolling(
    browser: Browser, base: str, width: int, scheme: str
) -> None:
    with browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of its literals
    ) as context:
        page = opened(context, base)
        assert [] == axe_violations(page)
        imported(page, LAB)
        wrong = {"kind": "question", "answer": "a", "right": False, "tries": 1}
        expect(page.locator(".mp-totals")).to_contain_text(f"1 of {IN_ALL['Solved']}")
        imported(page, ours(wrong | {"id": "01-await"}, wrong | {"id": "x" * 80}))
        expect(page.locator(".mp-done")).to_contain_text("Not in this edition")
        assert [] == axe_violations(page)
        assert width >= page.evaluate("document.documentElement.scrollWidth")
        page.get_by_role("button", name="Erase all progress").click()
        assert [] == axe_violations(page)
