"""What is repaired in the theme's pages, and that nothing is repaired twice."""

import re

import pytest

from tools.site.repair import repaired

PAGE = """<html><head><meta name="viewport" content="a" /><meta name="viewport" />
<noscript><style>.x { display: none }</style></noscript>
<link rel="stylesheet" href="../_static/css/book.css?v=1"></head><body>
<header id="pst-header" class="bd-header"> </header>
<dialog id="pst-primary-sidebar-modal"></dialog>
<p aria-level="2" class="caption" role="heading"><span class="caption-text">A &amp; B\
</span></p>
<ul class="nav"><li><a class="reference internal" href="#">One</a><details><summary>\
<span class="toctree-toggle"></span></summary><ul><li>\
<a class="reference internal" href="l">Lab</a></li></ul>
</details></li><li><a class="reference internal" href="t">Two</a><details><summary>\
<span class="toctree-toggle"></span></summary></details></li></ul>
<main id="main-content" class="bd-main" role="main">
<div class="bd-content"><div class="bd-article-container">
<div class="bd-header-article"><header>Buttons</header></div>
<div id="jb-print-docs-body"><h1>Again</h1></div><div id="searchbox"></div>
<article><h1>Title</h1></article>
</div>
</div>
<footer class="bd-footer-content">End</footer>
</main><footer class="bd-footer"> </footer></body></html>"""


def test_the_banner_and_the_foot_stand_outside_the_main_landmark() -> None:
    """As landmarks only do, and the main one holds the article alone."""
    inner = repaired(PAGE).partition("<main")[2].partition("</main>")[0]
    assert "<h1>Title</h1>" in inner
    assert "<header>" not in inner
    assert "bd-footer-content" not in inner


def test_what_had_no_name_has_one_and_what_was_empty_is_gone() -> None:
    """The menu's dialog, its folds and lists; empty header, footer, second title."""
    page = repaired(PAGE)
    assert '<dialog id="pst-primary-sidebar-modal" aria-label="Chapters">' in page
    folds = re.findall(r'<span class="visually-hidden">([^<]*)</span>', page)
    assert ["Pages of: One", "Pages of: Two"] == folds
    assert '<ul aria-label="A &amp; B" class="nav">' in page
    assert 'role="heading"' not in page
    assert "<h1>Again</h1>" not in page
    assert '<footer class="bd-footer">' not in page
    assert 1 == page.count('name="viewport"')


def test_a_page_with_sections_beside_it_says_so_before_its_article() -> None:
    """They come last; until then the article must not take their place."""
    foot = '</div>\n</div>\n<footer class="bd-footer-content">'
    dialog = '</div><dialog id="pst-secondary-sidebar-modal"></dialog></div>\n<footer '
    beside = PAGE.replace(foot, f'{dialog}class="bd-footer-content">')
    assert beside != PAGE
    assert '<div class="bd-content mp-beside">' in repaired(beside)
    assert '<div class="bd-content">' in repaired(PAGE)


def test_readers_without_scripts_get_a_style_sheet_of_their_own() -> None:
    """From beside book.css, at the page's own depth."""
    link = '<noscript><link rel="stylesheet" href="../_static/css/noscript.css">'
    assert link in repaired(PAGE)


def test_a_repaired_page_stays_as_it_is() -> None:
    """And so does a page that is not the theme's."""
    once = repaired(PAGE)
    assert once == repaired(once)
    assert "<p>Another</p>" == repaired("<p>Another</p>")


def test_markup_that_is_not_known_is_refused() -> None:
    """An update of the theme cannot take the landmarks away unseen."""
    with pytest.raises(ValueError, match="0 banners"):
        repaired(PAGE.replace("<header>Buttons</header>", ""))
