"""The EPUB of the built book, checked as a reader's software would."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.short_book import short_book
from tools.print import epub, print_pages
from tools.site import build

XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
OPF = "{http://www.idpf.org/2007/opf}"
Documents = dict[str, ET.Element]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with short_book(tmp_path_factory.mktemp("toc")):
        yield


@pytest.fixture(scope="module")
def made(
    short: None, site: Path, tmp_path_factory: pytest.TempPathFactory
) -> zipfile.ZipFile:
    file = tmp_path_factory.mktemp("epub") / "book.epub"
    epub.make_epub(file, site)
    return zipfile.ZipFile(file)


@pytest.fixture(scope="module")
def documents(made: zipfile.ZipFile) -> Documents:
    """Each document, parsed as XML, which also says that it is well-formed."""
    names = [name for name in made.namelist() if name.endswith(".xhtml")]
    return {name: ET.fromstring(made.read(name)) for name in names}


def test_its_first_bytes_say_what_it_is(made: zipfile.ZipFile) -> None:
    first = made.infolist()[0]
    assert ("mimetype", zipfile.ZIP_STORED) == (first.filename, first.compress_type)
    assert b"application/epub+zip" == made.read("mimetype")


def test_the_manifest_lists_each_file_once_and_nothing_else(
    made: zipfile.ZipFile,
) -> None:
    opf = ET.fromstring(made.read("EPUB/content.opf"))
    listed = [f"EPUB/{item.get('href')}" for item in opf.iter(f"{OPF}item")]
    own = {"mimetype", "META-INF/container.xml", "EPUB/content.opf"}
    assert sorted(listed) == sorted(set(made.namelist()) - own)
    ids = [item.get("id") for item in opf.iter(f"{OPF}item")]
    assert len(set(ids)) == len(ids)
    spine = [item.get("idref") for item in opf.iter(f"{OPF}itemref")]
    assert set(spine) <= set(ids)


def test_the_manifest_says_which_documents_hold_drawings_and_formulas(
    made: zipfile.ZipFile, documents: Documents
) -> None:
    opf = ET.fromstring(made.read("EPUB/content.opf"))
    text = {
        f"EPUB/{item.get('href')}": set((item.get("properties") or "").split())
        for item in opf.iter(f"{OPF}item")
    }
    math = "{http://www.w3.org/1998/Math/MathML}math"
    for name, root in documents.items():
        assert (root.find(f".//{SVG}svg") is not None) == ("svg" in text[name]), name
        assert (root.find(f".//{math}") is not None) == ("mathml" in text[name]), name


def test_ids_are_unique_in_each_document(documents: Documents) -> None:
    for name, root in documents.items():
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert sorted(set(ids)) == sorted(ids), name


def test_each_link_leads_to_a_place_that_is_there(documents: Documents) -> None:
    ids = {
        name: {element.get("id") for element in root.iter()}
        for name, root in documents.items()
    }
    count = 0
    for name, root in documents.items():
        for link in root.iter(f"{XHTML}a"):
            target = link.get("href", "")
            if re.match(r"(https?|mailto):", target):
                continue
            path, _, place = target.partition("#")
            to = posixpath.join("EPUB", path) if path else name
            assert to in ids, f"{name}: {target}"
            assert not place or place in ids[to], f"{name}: {target}"
            count += 1
    assert count > 40


def test_the_contents_lead_to_each_page(documents: Documents, site: Path) -> None:
    nav = documents["EPUB/nav.xhtml"]
    linked = {link.get("href") for link in nav.iter(f"{XHTML}a")}
    assert {f"{page.key}.xhtml" for page in print_pages.pages(site)} <= linked


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_a_script(
    made: zipfile.ZipFile, documents: Documents
) -> None:
    for name, root in documents.items():
        for element in root.iter():
            tag = element.tag.rpartition("}")[2]
            assert tag not in {"script", "iframe", "object", "button", "input"}, name
            assert "-" not in tag, f"{name}: {tag} is no element of XHTML"
            assert element.get("src") is None, f"{name}: {tag} loads a file"
            assert [] == [key for key in element.attrib if key.startswith("on")], name
    css = made.read("EPUB/book.css").decode()
    loaded = re.findall(r"url\(\"?([^)\"]+)", css)
    assert loaded
    assert [] == [each for each in loaded if f"EPUB/{each}" not in made.namelist()]


def test_no_variable_is_left_that_an_e_reader_may_not_know(
    made: zipfile.ZipFile,
) -> None:
    texts = [n for n in made.namelist() if n.endswith((".xhtml", ".css", ".svg"))]
    assert [] == [name for name in texts if b"var(--" in made.read(name)]


def test_each_drawing_says_what_it_shows(documents: Documents) -> None:
    count = 0
    for name, root in documents.items():
        for svg in root.iter(f"{SVG}svg"):
            inner = svg.get("x") is not None
            named = svg.get("aria-label") or svg.find(f"{SVG}title") is not None
            assert named or inner, name
            count += 1
    assert count > 5


def test_the_same_book_gives_the_same_bytes(site: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.epub", tmp_path / "two.epub"
    epub.make_epub(one, site)
    epub.make_epub(two, site)
    assert one.read_bytes() == two.read_bytes()


def test_a_prediction_is_not_answered_where_it_is_asked(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On no page of the whole book."""
    monkeypatch.setattr(print_pages, "TOC", build.BOOK / "_toc.yml")
    pages = print_pages.pages(site)
    chapters = [page for page in pages if page.number.startswith("Chapter ")]
    assert "Chapter 01" == chapters[0].number
    inside = [page for page in pages if "/" in page.document[len("chapters/") :]]
    assert any(page.article.select(".mp-question") for page in inside)
    for chapter in inside:
        assert [] == chapter.article.select(".mp-question .mp-reasons")
        assert [] == chapter.article.select("details")
        assert len(chapter.article.select(".mp-exercise")) * 3 == len(
            chapter.article.select(".mp-hints .mp-print-note")
        )
