"""The PDF of the built book: pages, links, bookmarks, fonts, and what is not on it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pypdf import PdfReader
from pypdf.generic import IndirectObject

from tests.browser.built import BUILT
from tests.browser.chromium import MARKS
from tests.short_book import short_book
from tools.print import pdf, print_pages

pytestmark = MARKS


@pytest.fixture(scope="module", autouse=True)
def short(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with short_book(tmp_path_factory.mktemp("toc")):
        yield


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    file = tmp_path_factory.mktemp("pdf") / "book.pdf"
    # Its Chromium needs a thread in which no other one is driven.
    with ThreadPoolExecutor() as threads:
        count = threads.submit(pdf.make_pdf, file, BUILT).result()
    reader = PdfReader(file)
    assert count == len(reader.pages)
    return reader


@pytest.fixture(scope="module")
def texts(paper: PdfReader) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in paper.pages]


def bookmarks(outline: list[object]) -> list[str]:
    """All titles of an outline, however deep."""
    titles: list[str] = []
    for each in outline:
        titles += bookmarks(each) if isinstance(each, list) else [str(each.title)]
    return titles


def test_it_is_a4_with_a_title_and_a_language(paper: PdfReader) -> None:
    for page in paper.pages:
        assert (595, 842) == (round(page.mediabox.width), round(page.mediabox.height))
    assert paper.metadata is not None
    assert "Moving Parts" == paper.metadata.title
    assert "en" == paper.root_object["/Lang"]


def test_it_is_tagged_and_opens_with_its_bookmarks(paper: PdfReader) -> None:
    assert paper.root_object["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in paper.root_object
    assert "/UseOutlines" == paper.root_object["/PageMode"]


def test_each_page_of_the_book_has_a_bookmark(paper: PdfReader) -> None:
    titles = " ".join(" ".join(bookmarks(paper.outline)).split())
    for page in print_pages.pages(BUILT)[1:]:
        assert page.title.removeprefix(f"{page.number}: ") in titles


def test_the_contents_name_the_page_on_which_a_chapter_begins(
    texts: list[str],
) -> None:
    [line] = re.findall(r"Chapter 01 One ride, two services (\d+)", texts[2])
    assert "One ride, two services" in texts[int(line) - 1]
    head = f"Moving Parts Chapter 01: One ride, two services {line} "
    assert texts[int(line) - 1].startswith(head)


def test_each_link_within_the_book_has_its_place(paper: PdfReader) -> None:
    places = paper.named_destinations
    count = 0
    for page in paper.pages:
        for annotation in page.get("/Annots", []):
            link = annotation.get_object()
            if "/Dest" in link and not isinstance(link["/Dest"], list):
                assert str(link["/Dest"]) in places
                count += 1
    assert count > 40


def test_each_font_is_in_the_file(paper: PdfReader) -> None:
    lacking = set()
    for page in paper.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            seen = font.get_object() if isinstance(font, IndirectObject) else font
            for inner in seen.get("/DescendantFonts", [seen]):
                face = inner.get_object()
                described = face.get("/FontDescriptor", {})
                held = {"/FontFile", "/FontFile2", "/FontFile3"} & set(described)
                if face["/Subtype"] != "/Type3" and not held:
                    lacking.add(str(face.get("/BaseFont")))
    assert set() == lacking


def test_no_page_is_empty_and_no_page_number_is_missing(texts: list[str]) -> None:
    assert [] == [number for number, text in enumerate(texts, 1) if len(text) < 40]
    assert not any(re.search(r"\b000\b(?= ?$)|p\. 000", text) for text in texts)
    assert not any("Chromium" in text and "Run in" in text for text in texts)


def test_hints_and_solutions_are_on_the_paper(texts: list[str]) -> None:
    whole = " ".join(texts)
    order = [whole.index(word) for word in ("First hints", "Second hints", "Third")]
    assert sorted(order) == order
    solutions = [
        solution.get_text()
        for page in print_pages.pages(BUILT)
        for solution in page.article.select(".mp-answers pre")
    ]
    assert solutions
    for text in solutions:
        first = text.strip().splitlines()[0]
        assert first.replace(" ", "") in whole.replace(" ", "")


def test_drawings_are_lines_and_not_pixels(paper: PdfReader) -> None:
    assert [] == [image for page in paper.pages for image in page.images]
