"""Repair the theme's pages for screen readers, keyboards and phones.

What the theme lets templates change is changed in book/_templates; this is the rest.
`repaired` takes a page and returns it; a repaired page comes back unchanged.
"""

from __future__ import annotations

import re
from html import escape, unescape

# The banner (book/_templates/sections/header-article.html) and the foot are landmarks
# only outside the main one.
MAIN = re.compile(r'<main id="main-content" class="bd-main" role="main">')
BANNER = re.compile(r"</header>\s*</div>")
BEFORE_SECTIONS = re.compile(r'</div>(?=\s*<dialog id="pst-secondary-sidebar-modal")')
BEFORE_FOOT = re.compile(r'</div>(?=\s*</div>\s*<footer class="bd-footer-content">)')
CONTENT = '<div class="bd-content">'
# A title and contents for paper, hidden on screens: a second h1 and each link twice.
FOR_PAPER = re.compile(
    r'<div id="jb-print-docs-body".*?(?=<div id="searchbox">)', re.DOTALL
)
# The theme's empty header and footer would be landmarks with nothing in them, and its
# script measures #pst-header.
EMPTY_HEADER = re.compile(r'<header id="pst-header"[^>]*>\s*</header>')
EMPTY_FOOTER = re.compile(r'<footer class="bd-footer">\s*</footer>')
BACK_TO_TOP = re.compile(
    r'\s*<button type="button" class="btn rounded-pill" id="pst-back-to-top">'
    r".*?</button>",
    re.DOTALL,
)
VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')
# No style block for readers without scripts: a file, and more in it (noscript.css).
NO_SCRIPT = re.compile(r"<noscript>\s*<style>.*?</style>\s*</noscript>", re.DOTALL)
SHEET = re.compile(r'href="([^"]*_static/css/)book\.css')
NAMELESS_DIALOG = re.compile(r'<dialog id="pst-(primary|secondary)-sidebar-modal">')
DIALOGS = {"primary": "Chapters", "secondary": "On this page"}
# In the list of chapters: what opens a chapter's further pages has no name.
NAMELESS_FOLD = re.compile(
    r'(<a class="[^"]*\breference internal"[^>]*>(?P<title>(?:(?!</a>).)*)</a>\s*'
    r"<details[^>]*><summary>)(?=<span class=\"toctree-toggle\")",
    re.DOTALL,
)
# Captions there are names of lists, not headings before the page's own.
CAPTION = re.compile(
    r'<p aria-level="2" class="caption" role="heading">'
    r'<span class="caption-text">(?P<name>[^<]*)</span></p>\s*<ul class="'
)
ICON = re.compile(r'<i class="(fa-[^"]*)"></i>')
# Cards have titles that a reader who goes by headings wants to find.
# What opens a folded cell says so in words, and its label would say something else.
MISLABELED_FOLD = re.compile(r'<summary aria-label="Toggle hidden content">')
TITLE = re.compile(r'<p class="(mp-exercise-title)" (?=id=)')


def repaired(page: str) -> str:
    """Return a page of the book with the theme's defects repaired.

    Raises `ValueError` if the theme's markup is not what this module expects, so that
    an update of the theme cannot undo the repair silently.
    """
    if 'class="bd-main"' not in page:
        return page  # not the theme's: 404.html, JupyterLite
    if MAIN.search(page):
        page = with_landmarks(page)
    page = FOR_PAPER.sub("", page)
    page = EMPTY_HEADER.sub('<div id="pst-header" hidden></div>', page)
    page = EMPTY_FOOTER.sub("", BACK_TO_TOP.sub("", page))
    page = NAMELESS_DIALOG.sub(_named_dialog, page)
    page = CAPTION.sub(_captioned, NAMELESS_FOLD.sub(_named_fold, page))
    page = ICON.sub(r'<i class="\1" aria-hidden="true"></i>', page)
    page = MISLABELED_FOLD.sub("<summary>", page)
    page = TITLE.sub(r'<p class="\1" role="heading" aria-level="3" ', page)
    return without_style_block(one_viewport(page))


def with_landmarks(page: str) -> str:
    """Move the main landmark to what the reader came for: article, foot and ways on."""
    page = MAIN.sub('<div class="bd-main">', page)
    before, end, after = page.rpartition("</main>")
    page = f"{before}</div>{after}"
    beside = BEFORE_FOOT
    if BEFORE_SECTIONS.search(page):  # they come after a long article
        beside = BEFORE_SECTIONS
        page = page.replace(CONTENT, f'{CONTENT[:-2]} mp-beside">')
    start = '\\g<0>\n<main id="main-content" class="mp-main" tabindex="-1">'
    page, starts = BANNER.subn(start, page)
    page, ends = beside.subn("</main>\n</div>", page)
    if not end or (starts, ends) != (1, 1):
        raise ValueError(
            f"{starts} banners and {ends} ends of the article where one each was "
            "expected: the theme's markup changed, see tools/site/repair.py"
        )
    return page


def one_viewport(page: str) -> str:
    """Keep the first of the theme's three orders to use the device's width."""
    first = VIEWPORT.search(page)
    if first is None:
        return page
    return page[: first.end()] + VIEWPORT.sub("", page[first.end() :])


def without_style_block(page: str) -> str:
    """Link noscript.css in place of the theme's inline style for the same readers."""
    sheet = SHEET.search(page)
    if sheet is None:
        return page
    link = f'<noscript><link rel="stylesheet" href="{sheet[1]}noscript.css"></noscript>'
    return NO_SCRIPT.sub(link, page)


def _named_dialog(dialog: re.Match[str]) -> str:
    return f'{dialog[0][:-1]} aria-label="{DIALOGS[dialog[1]]}">'


def _named_fold(fold: re.Match[str]) -> str:
    title = re.sub(r"<[^>]*>", "", fold["title"]).strip()
    return f'{fold[0]}<span class="visually-hidden">Pages of: {title}</span>'


def _captioned(caption: re.Match[str]) -> str:
    name = escape(unescape(caption["name"]), quote=True)
    return (
        f'<p class="caption"><span class="caption-text">{caption["name"]}</span></p>\n'
        f'<ul aria-label="{name}" class="'
    )
