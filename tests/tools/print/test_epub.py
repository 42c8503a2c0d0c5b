"""The EPUB's parts, without a built book."""

from bs4 import BeautifulSoup, Tag

from tools.print import epub
from tools.print.print_notes import gather
from tools.print.print_pages import PrintedPage, prepare


def page(html: str, document: str = "chapters/01-a") -> PrintedPage:
    soup = BeautifulSoup(
        f"<article><section><h1>A title</h1>{html}</section></article>", "html.parser"
    )
    assert isinstance(soup.article, Tag)
    return PrintedPage(document, document + "/", None, "", soup.article)


QUESTION = (
    '<div class="mp-question" id="predict-x" data-kind="predict">'
    '<p class="mp-label">Predict</p><div class="mp-stem">How many?</div>'
    '<details class="mp-fold mp-answer"><summary>Open</summary><p>Two.</p></details>'
    "</div><p>The text goes on.</p>"
)
EXERCISE = (
    '<section class="mp-exercise" id="exercise-1-2" data-exercise="1.2">'
    '<p class="mp-exercise-title">Charge once</p>'
    + "".join(
        f'<details class="mp-fold mp-hint" data-hint="{n}"><summary>Hint {n} of 3'
        f"</summary><p>Try {n}.</p></details>"
        for n in (1, 2, 3)
    )
    + '<details class="mp-fold mp-solution"><summary>Solution</summary>'
    "<pre>done()</pre></details></section>"
)


def test_an_answer_moves_behind_the_text_that_follows_its_question() -> None:
    written = page(QUESTION)
    gather(written.article)
    text = written.article.get_text(" ")
    assert text.index("The text goes on.") < text.index("Two.")
    [link] = written.article.select("#predict-x a")
    assert "#answer-predict-x" == link["href"]
    assert written.article.select_one("#answer-predict-x") is not None


def test_all_first_hints_stand_before_any_second_one_and_solutions_last() -> None:
    written = page(EXERCISE + EXERCISE.replace("1-2", "1-3"))
    gather(written.article)
    notes = written.article.get_text(" ")
    order = [notes.index(f"Try {n}.") for n in (1, 2, 3)]
    assert sorted(order) == order
    assert notes.rindex("Try 1.") < order[1]
    assert order[2] < notes.index("done()")
    assert [] == written.article.select("details")


def test_controls_and_scripts_are_not_printed() -> None:
    written = page(
        '<div class="mp-live-bar">Run</div><button>Stop</button><script>x</script>'
        '<p onclick="go()" data-x="1">Stays.</p>'
    )
    prepare(written)
    assert "A title Stays." == " ".join(written.article.get_text(" ").split())
    [stays] = written.article.find_all("p")
    assert {} == stays.attrs


def test_a_figure_with_knobs_is_printed_as_it_is_set_at_first() -> None:
    written = page(
        '<moving-parts-knob src="k.json"><div class="mp-dials">Loss</div>'
        '<figure class="mp-figure"><svg><title>One</title></svg></figure>'
        "</moving-parts-knob>"
    )
    prepare(written)
    [around] = written.article.select("div")
    assert {"class": ["moving-parts-knob"]} == around.attrs
    assert "Loss" not in written.article.get_text()
    assert 1 == len(written.article.select("svg"))


def test_any_other_fold_is_opened_where_it_stands() -> None:
    written = page("<details><summary>More</summary><p>It is here.</p></details>")
    prepare(written)
    assert "A title More It is here." == " ".join(written.article.get_text(" ").split())


def test_a_formula_is_mathml_and_nothing_else() -> None:
    written = page(
        '<span class="katex"><span class="katex-mathml"><math><semantics><mi>x</mi>'
        "<annotation>x</annotation></semantics></math></span>"
        '<span class="katex-html">x</span></span>'
    )
    prepare(written)
    epub.adapt(written)
    [math] = written.article.find_all("math")
    assert "x" == math["alttext"]
    assert [] == written.article.select(".katex")


def test_svg_gets_its_capital_letters_back() -> None:
    svg = BeautifulSoup('<svg viewBox="0 0 1 1"><clipPath/></svg>', "html.parser").svg
    assert isinstance(svg, Tag)
    for element in (svg, *svg.find_all(True)):
        epub.rename(element)
    assert '<svg viewBox="0 0 1 1"><clipPath></clipPath></svg>' == str(svg)


def test_a_link_leads_to_the_file_that_holds_its_place() -> None:
    here = page("")
    assert "glossary.xhtml#term-bus" == epub.file_link("book:glossary#term-bus", here)
    assert "#a" == epub.file_link(f"book:{here.key}#a", here)
    assert "https://a.example/" == epub.file_link("https://a.example/", here)
