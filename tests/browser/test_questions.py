"""Questions, predictions and exercises in Chromium: answered, explained, remembered."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.built import CALLS, CHAPTER
from tests.browser.chromium import MARKS
from tests.browser.reading import axe_violations, page_with, records
from tests.browser.seen import BEFORE_LATE

pytestmark = MARKS
ORDER = """
<div class="mp-question" role="group" aria-labelledby="s" id="question-o"
 data-kind="question" data-question="o" data-form="order" data-answer="c a b">
<p class="mp-label">Order</p><div class="mp-stem" id="s"><p>First?</p></div>
<ol class="mp-options" type="A">
<li data-option="a"><span class="mp-option">The charge.</span></li>
<li data-option="b"><span class="mp-option">The reply.</span></li>
<li data-option="c"><span class="mp-option">The request.</span></li></ol>
<details class="mp-fold mp-answer"><summary>Show the answer</summary>
<ol class="mp-reasons"><li data-option="c">C</li><li data-option="a">A</li>
<li data-option="b">B</li></ol></details></div>
"""
LATE = """document.getAnimations().map((each) => {
  each.finish();
  return each.effect.getTiming().delay;
})"""
ODD = """
<div class="mp-question" role="group" aria-labelledby="s2" id="question-odd"
 data-kind="question" data-question="odd" data-form="one" data-answer="q">
<div class="mp-stem" id="s2"><p>Odd?</p></div>
<ol class="mp-options"><li data-option="a"><span class="mp-option">A</span></li></ol>
<details class="mp-fold mp-answer"><summary>Show the answer</summary>
<p>Here.</p></details></div>
"""


def opened(reader: BrowserContext, base: str) -> Page:
    page = reader.new_page()
    page.goto(base + CHAPTER)
    expect(page.locator(".mp-question[data-ready=true]")).to_have_count(4)
    return page


def answer(question: Locator, *letters: str, button: str = "Check") -> None:
    for letter in letters:
        question.locator(f"input[value={letter}]").check()
    question.get_by_role("button", name=button, exact=True).click()


def text(question: Locator) -> Locator:
    return question.get_by_role("status")


def heads(question: Locator) -> list[str]:
    """The letters of the explanations that show, in their order."""
    shown = question.locator(".mp-answer > .mp-reasons > li")
    return shown.evaluate_all("items => items.map(item => item.dataset.option)")


def test_output_is_covered_until_the_reader_commits(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    prediction = page.locator("#predict-01-three-failures")
    covered = page.locator(".mp-predicted.mp-covered")
    before = page.locator(".mp-predicted").count()
    output = page.locator(".mp-predicted .cell_output").first
    assert before >= 2  # an output, and what is said of its numbers
    expect(covered).to_have_count(before)
    expect(output).to_be_hidden()
    height = output.evaluate("node => node.offsetHeight")
    answer(prediction, "c", button="Lock in")
    expect(output).to_be_visible()
    assert height == output.evaluate("node => node.offsetHeight")
    expect(covered).to_have_count(0)
    expect(prediction.locator(".mp-answer")).to_have_attribute("open", "")


def test_prediction_can_be_skipped_at_the_output(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    covered = page.locator(".mp-covered")
    expect(covered).not_to_have_count(0)
    covered.first.get_by_role("button", name="Show without predicting").click()
    expect(covered).to_have_count(0)
    prediction = page.locator("#predict-01-three-failures")
    expect(prediction.locator(".mp-status")).to_contain_text("Skipped")
    page.reload()
    expect(page.locator(".mp-predicted.mp-shown").first).to_be_visible()
    expect(covered).to_have_count(0)
    assert [None] == [record["right"] for record in records(page)]


def test_explanation_addresses_the_answer_given(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    question = page.locator("#question-01-fresh-id")
    expect(question.locator("details.mp-answer")).to_be_hidden()
    answer(question, "a")
    expect(text(question)).to_have_text("✕ Not right. You chose A; B is right.")
    assert ["a", "b"] == heads(question)
    expect(question.get_by_text("The other option", exact=True)).to_be_visible()
    question.get_by_role("button", name="Answer again").click()
    expect(question.locator("details.mp-answer")).to_be_hidden()
    answer(question, "b")
    expect(text(question)).to_have_text("✓ Right. You chose B.")
    assert ["b"] == heads(question)
    [record] = records(page)
    assert ("b", True, 2) == (record["answer"], record["right"], record["tries"])


def test_several_says_what_was_missed_and_what_does_not_hold(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    question = page.locator("#question-01-methods")
    question.get_by_role("button", name="Check").click()
    expect(text(question)).to_have_text("Choose at least one option first.")
    answer(question, "a", "c")
    expect(text(question)).to_have_text(
        "✕ Not quite. You chose A and C; C does not hold, and you missed B."
    )
    assert ["c", "b", "a"] == heads(question)


@pytest.fixture(scope="module")
def asked(browser: Browser, base: str) -> Iterator[Page]:
    """A page on which one question is answered in many ways."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(base + CALLS)
        expect(page.locator("#predict-01-tail[data-ready=true]")).to_be_visible()
        yield page


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("18 %", "✓ Right. It is 18 %."),
        ("15", "✓ Right. You said 15 %, and it is 18 %: 3 % too low, within 3 %."),
        ("21,5", "✕ Not right. You said 21.5 %, and it is 18 %: 3.5 % too high."),
        ("1,300", "✕ Not right. You said 1300 %, and it is 18 %: 1282 % too high."),
        ("", "Write a number first."),
        ("many", "That is not a number. Write it in digits, for example 12.5."),
        ("1e999", "That is not a number. Write it in digits, for example 12.5."),
        ("0x10", "That is not a number. Write it in digits, for example 12.5."),
    ],
)
def test_number_is_checked_with_its_tolerance(
    asked: Page, written: str, sentence: str
) -> None:
    question = asked.locator("#predict-01-tail")
    again = question.get_by_role("button", name="Answer again")
    if again.is_visible():
        again.click()
    question.get_by_label("Your answer").fill(written)
    question.get_by_label("Your answer").press("Enter")
    expect(text(question)).to_have_text(sentence)


def test_order_is_made_by_keyboard_and_announced(
    reader: BrowserContext, base: str
) -> None:
    page = page_with(reader, base, ORDER)
    question = page.locator("#question-o")
    up = question.get_by_role("button", name="Move up: The request.")
    up.focus()
    page.keyboard.press("Enter")
    expect(text(question)).to_have_text("The request. Now 2 of 3.")
    expect(up).to_be_focused()
    page.keyboard.press("Space")
    expect(text(question)).to_have_text("The request. Now 1 of 3.")
    # It can go no further up, so the focus is on the way down.
    expect(
        question.get_by_role("button", name="Move down: The request.")
    ).to_be_focused()
    question.get_by_role("button", name="Check").press("Enter")
    expect(text(question)).to_have_text("✓ Right. The order is C, A, B.")
    page.reload()
    expect(question.locator("li[data-option] .mp-option").first).to_have_text(
        "The request."
    )
    question.get_by_role("button", name="Answer again").click()
    question.get_by_role("button", name="Check").click()
    expect(text(question)).to_have_text(
        "✕ Not right. Yours: A, B, C. The right order: C, A, B."
    )


def test_question_of_unexpected_markup_stays_as_it_is(
    reader: BrowserContext, base: str
) -> None:
    page = page_with(reader, base, ODD)
    odd = page.locator("#question-odd")
    expect(odd).to_have_attribute("data-ready", "as-it-is")
    expect(odd.locator("form")).to_have_count(0)
    odd.get_by_text("Show the answer").click()
    expect(odd.get_by_text("Here.")).to_be_visible()


def test_answers_are_remembered_and_shown_in_other_tabs(
    reader: BrowserContext, base: str
) -> None:
    first, second = opened(reader, base), opened(reader, base)
    question = "#predict-01-three-failures"
    answer(first.locator(question), "b", button="Lock in")
    there = second.locator(question)
    expect(there.locator(".mp-status")).to_contain_text("You chose B; C is right.")
    expect(second.locator(".mp-predicted").first).to_have_class(re.compile("mp-shown"))
    # Two tabs at once: each try counts.
    for page in (first, second):
        page.locator(question).get_by_role("button", name="Answer again").click()
    answer(first.locator(question), "a", button="Lock in")
    answer(second.locator(question), "c", button="Lock in")
    expect(first.locator(question).locator(".mp-status")).to_contain_text("Right.")
    assert [3] == [record["tries"] for record in records(first)]
    second.reload()
    expect(there.locator("input[value=c]")).to_be_checked()
    expect(there.locator("input[value=c]")).to_be_disabled()


def test_another_tab_does_not_disturb_an_answer_in_the_making(
    reader: BrowserContext, base: str
) -> None:
    first, second = opened(reader, base), opened(reader, base)
    second.locator("#question-01-await input[value=a]").check()
    answer(first.locator("#question-01-await"), "b")
    answer(first.locator("#question-01-fresh-id"), "b")
    expect(second.locator("#question-01-fresh-id .mp-status")).to_contain_text("Right")
    expect(second.locator("#question-01-await input[value=a]")).to_be_checked()
    expect(second.locator("#question-01-await .mp-status")).to_have_text("")


def test_hints_open_one_after_another_and_the_solution_after_an_attempt(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    card = page.locator("#exercise-1-1")
    hints = card.locator("details.mp-hint")
    solution = card.locator("details.mp-solution")
    expect(hints.nth(0)).to_be_visible()
    expect(hints.nth(1)).to_be_hidden()
    expect(solution).to_be_hidden()
    hints.nth(0).locator("summary").press("Enter")
    expect(hints.nth(1)).to_be_visible()
    expect(hints.nth(2)).to_be_hidden()
    hints.nth(1).locator("summary").click()
    expect(hints.nth(2)).to_be_visible()
    card.get_by_role("button", name="I have tried it").click()
    expect(solution).to_be_visible()
    expect(solution).not_to_have_attribute("open", "")
    expect(solution.locator("summary")).to_be_focused()
    expect(card.get_by_role("status")).to_have_text("Tried, not checked in a lab")
    page.reload()
    expect(hints.nth(2)).to_be_visible()
    expect(solution).to_be_visible()
    [record] = records(page)
    assert (2, True) == (record["hints"], record["tried"])


def test_solution_can_be_seen_anyway_and_that_is_no_attempt(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    card = page.locator("#exercise-1-2")
    card.get_by_role("button", name="Show the solution anyway").click()
    expect(card.locator("details.mp-solution pre").first).to_be_visible()
    assert [] == records(page)


def test_check_in_a_lab_shows_on_the_card(reader: BrowserContext, base: str) -> None:
    """movingparts.check writes to the same database from JupyterLite."""
    page = opened(reader, base)
    card = page.locator("#exercise-1-2")
    page.evaluate(
        """([root]) => new Promise((done) => {
          const asked = indexedDB.open(`moving-parts:${root}`, 1);
          asked.onsuccess = () => {
            const work = asked.result.transaction("done", "readwrite");
            work.objectStore("done").put({key: "exercise/1.2", kind: "exercise",
              id: "1.2", hints: 1, checks: 4, passed: true, at: Date.now()});
            work.oncomplete = () => {
              new BroadcastChannel(`moving-parts:${root}`).postMessage("changed");
              done();
            };
          };
        })""",
        ["/moving-parts/"],
    )
    expect(card.locator(".mp-exercise-state")).to_have_text("✓ Solved, checked 4 times")
    expect(card.locator("details.mp-solution")).to_be_visible()
    expect(card.locator("details.mp-hint").nth(1)).to_be_visible()
    expect(card.locator("details.mp-hint").nth(2)).to_be_hidden()


def test_without_storage_all_works_and_one_line_says_it_is_not_kept(
    refusing: BrowserContext, base: str
) -> None:
    page = opened(refusing, base)
    line = page.get_by_text("progress is not kept in this window")
    expect(line).to_have_count(0)
    answer(page.locator("#question-01-await"), "b")
    answer(page.locator("#question-01-fresh-id"), "b")
    status = page.locator("#question-01-await .mp-status")
    expect(status).to_contain_text("Right.")
    expect(line).to_have_count(1)
    card = page.locator("#exercise-1-1")
    card.get_by_role("button", name="I have tried it").click()
    expect(card.locator("details.mp-solution")).to_be_visible()
    page.reload()
    expect(status).to_have_text("")
    page.close()


def test_without_scripts_answers_outputs_hints_and_solutions_are_there(
    browser: Browser, base: str
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(base + CHAPTER)
        for output in page.locator(".mp-predicted .cell_output").all():
            expect(output).to_be_visible()
        for fold in page.locator("details.mp-answer, .mp-exercise details").all():
            expect(fold).to_be_visible()
        fold = page.locator("#question-01-await details.mp-answer")
        fold.locator("summary").click()
        expect(fold.get_by_text("At an await the event loop")).to_be_visible()


def test_what_scripts_would_hide_shows_when_they_do_not_come(
    browser: Browser, base: str
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script(BEFORE_LATE)
        page.route("**/vendor/js/book.js*", lambda route: route.abort())
        page.goto(base + CHAPTER)
        output = page.locator(".mp-predicted .cell_output").first
        expect(output).to_be_hidden()
        assert {8_000} == set(page.evaluate(LATE))
        expect(output).to_be_visible()
        expect(page.locator("details.mp-answer").first).to_be_visible()
        expect(page.locator("details.mp-solution").first).to_be_visible()


def test_paper_shows_the_outputs(reader: BrowserContext, base: str) -> None:
    page = opened(reader, base)
    expect(page.locator(".mp-covered .cell_output").first).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".mp-covered .cell_output").first).to_be_visible()
    expect(page.locator(".mp-cover").first).to_be_hidden()


def test_a_quiz_is_answered_by_keyboard_alone(
    reader: BrowserContext, base: str
) -> None:
    page = opened(reader, base)
    question = page.locator("#question-01-fresh-id")
    question.locator("input").first.focus()
    for key in ("ArrowDown", "Tab"):
        page.keyboard.press(key)
    check = question.get_by_role("button", name="Check")
    expect(check).to_be_focused()
    ring = check.evaluate("node => getComputedStyle(node).outlineStyle")
    assert "solid" == ring
    page.keyboard.press("Enter")
    expect(text(question)).to_have_text("✓ Right. You chose B.")
    expect(question.get_by_role("button", name="Answer again")).to_be_focused()
    page.keyboard.press("Tab")
    expect(question.locator("details.mp-answer > summary")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(question.locator("input").first).to_be_focused()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_no_axe_violation_in_any_state(
    browser: Browser, base: str, width: int, scheme: str
) -> None:
    with browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of its literals
    ) as context:
        page = opened(context, base)
        assert [] == axe_violations(page)
        answer(page.locator("#question-01-methods"), "a", "c")
        answer(page.locator("#question-01-fresh-id"), "c")
        answer(page.locator("#predict-01-three-failures"), "b", button="Lock in")
        page.locator("#exercise-1-1 summary").first.click()
        page.locator("#exercise-1-1").get_by_role("button", name="anyway").click()
        page.locator(".mp-rest > summary").first.click()
        assert [] == axe_violations(page)
        assert width >= page.evaluate("document.documentElement.scrollWidth")
