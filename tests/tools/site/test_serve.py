"""The server of the built book behaves as a static host does."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools.dev.labs import LabError, free_port, taken
from tools.site.serve import SiteServer


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<h1>Larkhaven</h1>")
    (tmp_path / "404.html").write_text("<h1>No such page</h1>")
    (tmp_path / "chapter").mkdir()
    (tmp_path / "chapter" / "index.html").write_text("<h1>Chapter</h1>")
    (tmp_path / "empty").mkdir()
    for name in ("player.mjs", "engine.wasm", "font.woff2", "style.css", "run.js"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.fixture(params=["/", "/moving-parts/"])
def url(request: pytest.FixtureRequest, site: Path) -> Iterator[str]:
    with SiteServer(site, prefix=request.param).running() as address:
        yield address


def ask(
    url: str, path: str = "", method: str = "GET"
) -> tuple[int, bytes, http.client.HTTPMessage]:
    parts = urlsplit(url)
    asked = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        asked.request(method, parts.path + path)
        answer = asked.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        asked.close()


def test_the_front_page_is_at_the_address(url: str) -> None:
    assert (200, b"<h1>Larkhaven</h1>") == ask(url)[:2]


def test_a_clean_address_gives_the_folders_page(url: str) -> None:
    assert (200, b"<h1>Chapter</h1>") == ask(url, "chapter/")[:2]


def test_an_address_without_its_slash_is_sent_on_under_the_same_prefix(
    url: str,
) -> None:
    status, _, headers = ask(url, "chapter")
    assert 301 == status
    assert urlsplit(url).path + "chapter/" == urlsplit(headers["Location"]).path


@pytest.mark.parametrize("path", ["nowhere", "empty/", "chapter/x/y", "../setup.py"])
def test_what_is_not_there_gets_the_sites_own_page(url: str, path: str) -> None:
    status, body, headers = ask(url, path)
    assert (404, b"<h1>No such page</h1>") == (status, body)
    assert "text/html; charset=utf-8" == headers["Content-Type"]


def test_a_head_request_for_what_is_not_there_has_no_body(url: str) -> None:
    status, body, _ = ask(url, "nowhere", "HEAD")
    assert (404, b"") == (status, body)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("player.mjs", "text/javascript"),
        ("run.js", "text/javascript"),
        ("engine.wasm", "application/wasm"),
        ("font.woff2", "font/woff2"),
        ("style.css", "text/css"),
    ],
)
def test_browsers_get_the_type_of_a_file(url: str, name: str, kind: str) -> None:
    assert kind == ask(url, name)[2]["Content-Type"]


def test_outside_the_sub_path_there_is_nothing(site: Path) -> None:
    with SiteServer(site, prefix="moving-parts").running() as url:
        host = url.removesuffix("moving-parts/")
        assert 404 == ask(host)[0]
        assert 404 == ask(host, "moving-parts-too/index.html")[0]


def test_a_rebuilt_page_is_asked_for_again(url: str) -> None:
    assert "no-cache" == ask(url)[2]["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["run.js?v=0a1b2c3d", "chunk-ABCD2345.js", "pyodide/parts-1-none.whl"]
)
def test_what_is_named_by_its_content_is_kept(url: str, site: Path, path: str) -> None:
    (site / "chunk-ABCD2345.js").write_bytes(b"x")
    (site / "pyodide").mkdir()
    (site / "pyodide" / "parts-1-none.whl").write_bytes(b"x")
    assert "immutable" in ask(url, path)[2]["Cache-Control"]


def test_what_is_not_there_is_not_kept(url: str) -> None:
    """It may be there after the next build."""
    status, _, headers = ask(url, "gone.js?v=0a1b2c3d")
    assert (404, "no-cache") == (status, headers["Cache-Control"])


def test_a_closed_server_leaves_its_port(site: Path) -> None:
    with SiteServer(site).running() as url:
        port = urlsplit(url).port or 0
        assert taken(port)
    assert not taken(port)


def test_a_taken_port_gets_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        first = holder.getsockname()[1]
        assert free_port(first) > first


def test_a_hundred_taken_ports_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.dev.labs.taken", lambda port: True)
    with pytest.raises(LabError, match="8000 to 8099 are all taken"):
        free_port(8000)
