"""What becomes of a page after Sphinx: its policy, its styles, what goes."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

import pytest

from tools.site import policy, postbuild, stylesheets

PAGE = '<html><head><meta charset="utf-8"><title>x</title></head><body>{}</body></html>'


def hashed(text: str) -> str:
    """A text's hash, worked out without the code that is tested."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


def rule(page: str, name: str) -> str:
    """One rule of a page's policy."""
    content = page.partition('Policy" content="')[2].partition('"')[0]
    return next(
        each.strip() for each in content.split(";") if each.strip().startswith(name)
    )


def test_the_policy_names_each_inline_script_and_style() -> None:
    body = '<script>let a = "<b>";</script><svg><style>.a{top:0}</style></svg>'
    page = policy.with_policy(PAGE.format(body))
    assert rule(page, "script-src").endswith(hashed('let a = "<b>";'))
    assert f"style-src 'self' {hashed('.a{top:0}')}" == rule(page, "style-src")


def test_data_and_files_need_no_hash() -> None:
    body = '<script type="application/json">{}</script><script src="a.js"></script>'
    page = policy.with_policy(PAGE.replace("{}", body))
    assert "script-src 'self' 'wasm-unsafe-eval'" == rule(page, "script-src")


def test_the_policy_comes_before_what_it_rules_and_once() -> None:
    page = policy.with_policy(PAGE.format("<script>a</script>"))
    assert page.index("Content-Security-Policy") < page.index("<title>")
    assert page == policy.with_policy(page)


@pytest.mark.parametrize(
    ("markup", "output"),
    [
        ('<p onclick="a()">x</p>', "<p onclick=…>, a handler"),
        ("<img src=a onerror=b>", "<img onerror=…>, a handler"),
        ('<a href="javascript:a()">x</a>', "a script as address"),
        ('<a href=" JavaScript:a()">x</a>', "a script as address"),
        ('<iframe src="a.html"></iframe>', "<iframe>"),
        ('<base href="/">', "<base>"),
        ('<p style="top: 0} body {top: 0">x</p>', "more than a style"),
    ],
)
def test_what_no_hash_lets_through_is_refused(markup: str, output: str) -> None:
    with pytest.raises(policy.PolicyError, match=output.replace("(", r"\(")):
        policy.with_policy(PAGE.format(markup))


def test_a_refused_page_fails_the_build_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "index.html").write_text(PAGE.format('<p onclick="a()">x</p>'))
    assert 1 == postbuild.main([str(tmp_path)])
    output = capsys.readouterr().err
    assert "index.html holds <p onclick=…>, a handler in the markup" in output


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<p style="top:0">x</p>', '<p class="mp0">x</p>'),
        ('<p class="a b" style="top:0;">x</p>', '<p class="a b mp0">x</p>'),
        ("<p id='i' style='top:0' class='a'>", "<p id='i' class=\"a mp0\">"),
        ('<br style="top:0"/>', '<br class="mp0"/>'),
        (
            '<i title=" style=\'x\'" style="top:0">',
            '<i title=" style=\'x\'" class="mp0">',
        ),
    ],
)
def test_a_style_attribute_becomes_a_class(before: str, after: str) -> None:
    page = policy.without_style_attributes(PAGE.format(before))
    assert after in page
    assert ":is(#\\_,.mp0){top:0}" in page


def test_the_same_style_is_written_once() -> None:
    body = '<p style="top:0">x</p><p style="top:0">y</p><p style="top: 1px">z</p>'
    page = policy.without_style_attributes(PAGE.format(body))
    assert 1 == page.count("{top:0}")
    assert '<p class="mp1">z</p>' in page


def test_quotes_in_a_style_attribute_are_quotes_in_the_style_sheet() -> None:
    body = '<p style="font: 1em &quot;A&quot;">x</p>'
    page = policy.without_style_attributes(PAGE.format(body))
    assert '{font: 1em "A"}' in page


def test_text_that_looks_like_markup_stays() -> None:
    body = '<script>"<p style=\'top:0\'>"</script><!-- <p style="a:b"> -->'
    assert PAGE.format(body) == policy.without_style_attributes(PAGE.format(body))


def test_rules_for_classes_that_nobody_has_go() -> None:
    sheet = (
        "/*! MIT license */.a{top:0}.a .b,.a.c{top:1px}h1{top:2px}"
        "@media print{.b{top:3px}}@media screen{.a:not(.b){top:4px}}"
        "@font-face{font-family:'Font Awesome 6 Free';src:url(x)}"
    )
    expected = (
        "/*! MIT license */\n.a{top:0}.a.c{top:1px}h1{top:2px}"
        "@media screen{.a:not(.b){top:4px}}"
    )
    assert expected == stylesheets.trimmed(sheet, {"a", "c"})


def test_a_class_that_comes_back_gets_its_rules_back(tmp_path: Path) -> None:
    """What was trimmed for one build is whole again for the next."""
    site = tmp_path / "site"
    (site / "_static").mkdir(parents=True)
    (site / "_static" / "theme.css").write_text(".a{top:0}.b{top:1px}")
    (site / "index.html").write_text('<p class="a">x</p>')
    stylesheets.trim(site)
    trimmed = (site / "_static" / "theme.css").read_text()
    assert (".a{" in trimmed, ".b{" in trimmed) == (True, False)
    (site / "index.html").write_text('<p class="b">x</p>')
    stylesheets.trim(site)
    trimmed = (site / "_static" / "theme.css").read_text()
    assert (".a{" in trimmed, ".b{" in trimmed) == (False, True)


def test_a_class_that_a_script_names_keeps_its_rules(tmp_path: Path) -> None:
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "a.js").write_text('e.classList.add("shown-later")')
    assert "shown-later" in stylesheets.used_classes(tmp_path)


def test_versions_follow_what_a_file_holds(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("x")
    reported = hashlib.sha256(b"x").hexdigest()[:8]
    page = '<link href="a.css?digest=old"><script src="b.js?v=1"></script>'
    after = postbuild.versioned(page, tmp_path / "index.html")
    assert f'href="a.css?v={reported}"' in after
    assert 'src="b.js?v=1"' in after


def test_files_that_no_page_names_are_removed(tmp_path: Path) -> None:
    static = tmp_path / "_static"
    (static / "locales" / "de").mkdir(parents=True)
    for name in ("used.js", "unused.js", "locales/de/x.mo"):
        (static / name).write_text("x")
    (tmp_path / "index.html").write_text('<script src="_static/used.js"></script>')
    postbuild.remove_unused(tmp_path)
    left = {file.name for file in static.rglob("*") if file.is_file()}
    assert {"used.js"} == left
