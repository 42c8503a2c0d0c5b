"""The site stands alone: it loads nothing from outside, and its own links lead home."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from tests.book.pages import read
from tools.site import policy, postbuild

ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)""")
HOST = "http://book.invalid"


def pages_of(site: Path) -> list[Path]:
    """Every page of the site but 404.html, whose links are its own matter."""
    return [page for page in sorted(site.rglob("*.html")) if page.name != "404.html"]


def addresses(html: BeautifulSoup) -> list[str]:
    """All that a page links or loads."""
    found = [str(tag["href"]) for tag in html.select("[href]")]
    found += [str(tag["src"]) for tag in html.select("[src]:not(moving-parts-knob)")]
    # A knob's files are named from the book's root, wherever its page stands.
    root = str(html.html.get("data-content_root", "")) if html.html else ""
    return found + [root + str(tag["src"]) for tag in html.select("moving-parts-knob")]


def file_of(site: Path, path: str) -> Path:
    """The file that a static server answers with."""
    file = site / unquote(path)
    return file / "index.html" if path in ("", ".") or path.endswith("/") else file


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    assert [] == list(postbuild.outside_addresses(site))


@pytest.mark.parametrize("prefix", ["/", "/courses/moving-parts/"])
@pytest.mark.slow
def test_links_resolve_at_the_root_and_under_a_sub_path(
    site: Path, prefix: str
) -> None:
    """A link never leaves the prefix, and what it names is there, anchors included."""
    anchors: dict[Path, set[str]] = {}
    broken = []
    for page in pages_of(site):
        html = read(page)
        here = page.relative_to(site).as_posix().removesuffix("index.html")
        for address in addresses(html):
            target = urlsplit(urljoin(HOST + prefix + here, address))
            if (
                target.scheme not in ("http", "https")
                or target.hostname != "book.invalid"
            ):
                continue
            if not target.path.startswith(prefix):
                broken.append(f"{here}: {address} leaves {prefix}")
                continue
            file = file_of(site, target.path.removeprefix(prefix))
            if not file.is_file():
                broken.append(f"{here}: {address} is not there")
            elif target.fragment and file.suffix == ".html":
                if file not in anchors:
                    anchors[file] = {
                        str(tag["id"]) for tag in read(file).select("[id]")
                    }
                if unquote(target.fragment) not in anchors[file] | {"", "top"}:
                    broken.append(f"{here}: {address} has no such place")
    assert [] == broken


def test_style_sheets_name_files_that_are_there(site: Path) -> None:
    missing = []
    for sheet in sorted(site.rglob("*.css")):
        for address in ADDRESS.findall(sheet.read_text("utf-8")):
            path = urldefrag(address).url.partition("?")[0]
            if path.startswith("data:") or not path:
                continue
            if not (sheet.parent / path).is_file():
                missing.append(f"{sheet.relative_to(site)}: {address}")
    assert [] == missing


def test_not_found_page_needs_no_other_file(site: Path) -> None:
    """It may be shown at any depth, so no relative address would be right."""
    page = read(site / "404.html")
    assert [] == page.select("link[rel=stylesheet], script[src], img[src]")
    for link in page.select("a[href]"):
        assert str(link["href"]).startswith("/")
        assert file_of(site, str(link["data-page"])).is_file()


def test_postbuild_has_nothing_left_to_do(site: Path) -> None:
    for page in postbuild.pages(site):
        text = page.read_text("utf-8")
        assert postbuild.finished(text) == text, page
        assert policy.with_policy(postbuild.versioned(text, page)) == text, page


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<img srcset="a.png 1x, https://cdn.example/b.png 2x" alt="">',
        '<p style="background: url(https://cdn.example/x.png)">',
        "<style>@import 'https://cdn.example/x.css';</style>",
        '<iframe src="http://example.org/"></iframe>',
    ],
)
def test_postbuild_refuses_what_comes_from_another_host(
    tmp_path: Path, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "index.html").write_text(page)
    assert 1 == postbuild.main([str(tmp_path)])
    assert "index.html loads" in capsys.readouterr().err


def test_postbuild_lets_links_lead_away(tmp_path: Path) -> None:
    page = '<a href="https://example.org/">there</a><link rel="license" href="//x.org">'
    (tmp_path / "index.html").write_text(page)
    assert 0 == postbuild.main([str(tmp_path)])


def test_postbuild_says_so_when_nothing_was_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == postbuild.main([str(tmp_path)])
    assert "build it first (make book)" in capsys.readouterr().err


def test_postbuild_keeps_the_text_of_a_listing() -> None:
    """Marks without a color of their own go; what a reader copies stays."""
    listing = (
        '<div class="highlight"><pre><span></span><span class="n">x</span>'
        '<span class="w"> </span><span class="o">=</span> <span class="mi">1</span>'
        "</pre></div>"
    )
    after = postbuild.finished(listing)
    assert (
        '<div class="highlight"><pre>x = <span class="mi">1</span></pre></div>' == after
    )
    assert after == postbuild.finished(after)
