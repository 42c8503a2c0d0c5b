"""The PDF's parts, without a built book or Chromium."""

import pytest
from bs4 import BeautifulSoup

from movingparts.draw import sequence
from tests.draw.recordings import ride
from tools.print import pdf, print_figures
from tools.print.print_pages import PrintedPage


def page(key: str, html: str) -> PrintedPage:
    soup = BeautifulSoup(f"<article>{html}</article>", "html.parser")
    assert soup.article is not None
    return PrintedPage(key, f"{key}/", None, "Title", soup.article)


def test_ids_and_links_of_two_pages_do_not_collide() -> None:
    html = '<h1>T</h1><p id="a">x</p><a href="#a">a</a><a href="book:two#a">b</a>'
    joined = pdf.join(page("one", html))
    assert "one--a" == joined.p["id"]
    assert ["#one--a", "#two--a"] == [link["href"] for link in joined.find_all("a")]


def test_headings_stand_one_level_below_the_part() -> None:
    joined = pdf.join(page("one", "<h1>T</h1><h2>S</h2>"))
    assert ["h2", "h3"] == [each.name for each in joined.find_all(["h2", "h3"])]
    assert [] == joined.find_all("h1")


def test_the_contents_name_the_page_of_each_place() -> None:
    html = '<h1>T</h1><section id="s"><h2>Deep</h2></section>'
    one = page("one", html)
    pdf.join(one)
    listed = pdf.contents([one], {"one": 3, "one--s": 4})
    entries = [" ".join(li.get_text(" ").split()) for li in listed.find_all("li")]
    assert ["T 3", "Deep 4"] == entries


def test_without_chromium_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    with pytest.raises(pdf.PrintError, match="apt-get install chromium"):
        pdf.make_pdf()


def test_a_figure_keeps_no_variable_and_no_dark_scheme() -> None:
    css = (
        ".f{--_ink:var(--mp-ink,#2e3440)}"
        "@media(prefers-color-scheme:dark){.f{--_ink:#fff}}.f text{fill:var(--_ink)}"
    )
    plain = print_figures.without_variables(css, {})
    assert ".f{}.f text{fill:#2e3440}" == plain


def test_a_bike_stands_where_its_ride_has_come_to() -> None:
    style = "offset-path:path('M0 0L100 0');animation-name:mp-ride-60;--mp-start:10s"
    assert (50, 0) == print_figures.ridden(style, {"60": 0.5}, now=0.5, loop=40)
    assert print_figures.ridden(style, {"60": 0.1}, now=0.5, loop=40) is None


def test_a_figure_with_two_layouts_is_printed_once_and_always() -> None:
    """A reader for EPUB may be as narrow as a phone."""
    drawn = sequence(ride())
    assert drawn.narrow
    page = BeautifulSoup(f"<article>{drawn.html()}</article>", "html.parser")
    assert page.article is not None
    print_figures.settle(page.article)
    [svg] = page.select("svg")
    assert "mp-wide" in svg["class"]
    assert "display:none" not in svg.get_text()
