"""Each page of the table of contents is there and holds what its source says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from moving_parts_book.plan import read_plan

from tests.book.pages import (
    CELL,
    PAGES,
    ROOT,
    Page,
    article,
    plain_outputs,
    read,
    source_of,
)
from tools.site import postbuild

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.document)

HIDDEN = {"remove-cell", "remove_cell"}
NO_INPUT = {"remove-input", "remove_input"}
NO_OUTPUT = {"remove-output", "remove_output"}


def squeezed(text: str) -> str:
    """A text without its white space, which HTML does not keep."""
    return re.sub(r"\s+", "", text)


@each_page
def test_page_is_built_and_has_its_title(page: Page, site: Path) -> None:
    heading = article(page.file(site)).find("h1")
    assert heading is not None
    assert heading.get_text().strip("#¶ ")


@each_page
def test_page_holds_each_cell_with_its_outputs(page: Page, site: Path) -> None:
    """Nothing that the notebook holds is missing on the page, and in its order."""
    cells = [
        cell
        for cell in page.cells(site)
        if not HIDDEN & set(cell["metadata"].get("tags", []))
        and source_of(cell).strip()
    ]
    shown = article(page.file(site)).select("div.cell")
    assert len(cells) == len(shown)
    for cell, element in zip(cells, shown, strict=True):
        tags = set(cell["metadata"].get("tags", []))
        inputs = element.select_one(".cell_input")
        if not NO_INPUT & tags:
            assert inputs is not None, source_of(cell)
            assert squeezed(source_of(cell)) == squeezed(inputs.get_text())
        if NO_OUTPUT & tags:
            continue
        outputs = element.select_one(".cell_output")
        assert bool(cell["outputs"]) == (outputs is not None), source_of(cell)
        for text in plain_outputs(cell):
            assert outputs is not None
            assert squeezed(text) in squeezed(outputs.get_text())


@each_page
def test_page_runs_as_many_cells_as_its_source_has(page: Page, site: Path) -> None:
    source = page.source()
    if source.suffix == ".md":
        written = len(CELL.findall(source.read_text("utf-8")))
        assert written == len(page.cells(site))
    else:
        run = [cell for cell in page.cells(site) if source_of(cell).strip()]
        assert all(cell["execution_count"] for cell in run), "commit the lab's outputs"


@each_page
def test_page_shows_no_traceback(page: Page, site: Path) -> None:
    """An error that a page means to show is caught and printed there."""
    text = article(page.file(site))
    assert [] == text.select(".output.traceback, .system-message, .problematic")
    assert "Traceback (most recent call last)" not in text.get_text()


@each_page
def test_page_offers_to_edit_it_and_to_report_a_problem(page: Page, site: Path) -> None:
    foot = read(page.file(site)).select_one("nav.mp-page-foot")
    assert foot is not None
    targets = [str(link["href"]) for link in foot.select("a")]
    source = page.source().relative_to(ROOT).as_posix()
    assert any(target.endswith(f"/edit/main/{source}") for target in targets)
    assert any(
        "/issues/new?title=" in target and source in target for target in targets
    )


@each_page
def test_page_stays_within_its_weight(page: Page, site: Path) -> None:
    """A page is at most 250 KB of HTML (DESIGN.md)."""
    assert page.file(site).stat().st_size <= 250_000


POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
ALLOWED = {
    "default-src": {"'none'"},
    "script-src": {"'self'", "'wasm-unsafe-eval'"},
    "style-src": {"'self'"},
    "img-src": {"'self'", "data:"},
    "font-src": {"'self'"},
    "connect-src": {"'self'"},
    "worker-src": {"'self'"},
    "manifest-src": {"'self'"},
    "base-uri": {"'none'"},
    "form-action": {"'self'"},
}


def test_each_page_has_the_policy_and_nothing_wider(site: Path) -> None:
    """Beside what is listed above, only hashes, and those for scripts and styles."""
    for file in [site / "404.html", *postbuild.pages(site)]:
        page = file.read_text("utf-8")
        found = POLICY.findall(page)
        assert 1 == len(found), file
        assert page.index("Content-Security-Policy") < page.index("<title"), file
        rules = {name: set(rest) for name, *rest in map(str.split, found[0].split(";"))}
        hashes = {
            each
            for name in ("script-src", "style-src")
            for each in rules[name] - ALLOWED[name]
        }
        assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", each) for each in hashes), file
        assert ALLOWED == {name: rest - hashes for name, rest in rules.items()}, file


def test_all_pages_but_two_are_linked_from_the_cover_on(site: Path) -> None:
    """The search is behind a button; who has no scripts is led to the index instead."""
    seen: set[Path] = set()
    waiting = {(site / "index.html").resolve()}
    while waiting:
        page = waiting.pop()
        seen.add(page)
        for link in read(page).select("a[href]:not(noscript a)"):
            target = (page.parent / str(link["href"]).partition("#")[0]).resolve()
            file = target / "index.html" if target.is_dir() else target
            if file.name == "index.html" and file.is_file() and file not in seen:
                waiting.add(file)
    pages = {file.resolve() for file in postbuild.pages(site)} - {
        (site / "404.html").resolve()
    }
    unlinked = {file.parent.name for file in pages - seen}
    assert {"search", "genindex"} == unlinked


@each_page
def test_page_can_be_found_and_skipped_into(page: Page, site: Path) -> None:
    """It has a language, a title, one main landmark, and a link that skips to it."""
    html = read(page.file(site))
    assert "en" == html.html["lang"]
    assert html.title is not None
    assert html.title.get_text().strip()
    assert 1 == len(html.select("main"))
    assert html.select_one("#pst-skip-link a[href='#main-content']") is not None
    assert [] == [image for image in html.select("img") if not image.has_attr("alt")]


@each_page
def test_script_of_the_player_is_loaded_where_a_player_is(
    page: Page, site: Path
) -> None:
    html = read(page.file(site))
    has_player = html.select_one("moving-parts-player") is not None
    scripts = [tag for tag in html.select("script[src]") if "player.js" in tag["src"]]
    assert has_player == bool(scripts)
    assert all(tag["type"] == "module" for tag in scripts)


def test_cover_lists_every_chapter_and_links_those_that_are_written(site: Path) -> None:
    entries = article(site / "index.html").select("li[data-chapter]")
    chapters = [chapter for part in read_plan() for chapter in part.chapters]
    assert 17 == len(chapters)
    assert [chapter.slug for chapter in chapters] == [
        e["data-chapter"] for e in entries
    ]
    written = {page.document for page in PAGES}
    for chapter, entry in zip(chapters, entries, strict=True):
        assert chapter.title in entry.get_text()
        title = entry.select_one(".mp-chapter-title")
        assert title is not None
        assert (chapter.document in written) == (title.find("a") is not None)
        assert (chapter.document in written) == ("coming" not in title.get_text())


def test_every_written_chapter_is_in_the_plan() -> None:
    planned = {chapter.document for part in read_plan() for chapter in part.chapters}
    written = {
        page.document
        for page in PAGES
        if re.fullmatch(r"chapters/\d\d-.*/index", page.document)
    }
    assert set() == written - planned


def test_cover_shows_the_city_and_can_hold_it_still(site: Path) -> None:
    city = article(site / "index.html").select_one("figure.mp-city")
    assert city is not None
    picture = city.select_one("svg[role=img]")
    assert picture is not None
    assert "rides start at 24 stations" in picture["aria-label"]
    assert city.select_one("label input[type=checkbox]") is not None
    assert 100 <= len(city.select(".mp-bikes circle"))


def test_every_term_of_the_glossary_has_an_explanation(site: Path) -> None:
    glossary = article(site / "glossary" / "index.html")
    terms = [term["id"] for term in glossary.select("dl.glossary > dt")]
    assert len(set(terms)) == len(terms)
    for output in glossary.select("dl.glossary > dd"):
        assert output.get_text().strip()


def test_the_glossary_leads_to_the_first_page_that_uses_a_term(site: Path) -> None:
    glossary = article(site / "glossary" / "index.html")
    meaning = glossary.select_one("dt#term-idempotency + dd")
    assert meaning is not None
    links = [link["href"] for link in meaning.select(".mp-see a")]
    assert ["../chapters/01-one-ride-two-services/1-one-lost-reply/"] == links


def test_every_linked_term_is_in_the_glossary(site: Path) -> None:
    known = {
        f"glossary/#{term['id']}"
        for term in article(site / "glossary" / "index.html").select("dl.glossary > dt")
    }
    for page in PAGES:
        for term in article(page.file(site)).select(".xref.std-term"):
            link = term.find_parent("a")
            assert link is not None, (
                f"{page.document}: {term.get_text()!r} leads nowhere"
            )
            target = str(link["href"])
            if target.startswith("#"):
                target = "glossary/" + target
            assert target.lstrip("./") in known


def test_every_source_that_a_page_cites_is_in_the_bibliography(site: Path) -> None:
    bibliography = article(site / "bibliography" / "index.html")
    known = {entry["id"] for entry in bibliography.select(".citation")}
    texts = [page.source().read_text("utf-8") for page in PAGES]
    cited = {
        key.strip()
        for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", "".join(texts))
        for key in keys.split(",")
    }
    assert len(cited) == len(known)


def test_icons_for_every_kind_of_reader_are_there(site: Path) -> None:
    page = read(site / "index.html")
    icons = {str(link["href"]) for link in page.select("link[rel~=icon]")}
    assert {Path(icon).suffix for icon in icons} == {".svg", ".png"}
    for icon in icons:
        assert (site / icon).is_file()


def test_colors_have_values_in_the_palette_alone() -> None:
    """The other style sheets take them from it, by role."""
    styles = ROOT / "book/_static/css"
    for sheet in sorted(styles.glob("*.css")):
        if sheet.name == "palette.css":
            continue
        text = re.sub(r"url\(.*?\)|/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        before_print = text.partition("@media print")[0]
        found = set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", before_print))
        assert set() == found, f"{sheet.name}: {found}"
