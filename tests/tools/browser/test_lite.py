"""JupyterLite as it is assembled: its settings, and what its pages allow."""

import json
from pathlib import Path

import pytest

from tools.browser import lite

ROOT = Path(__file__).resolve().parents[3]


def kernel() -> dict:
    config = lite.settings()["jupyter-config-data"]
    assert isinstance(config, dict)
    return config["litePluginSettings"][lite.KERNEL]


def test_the_kernels_settings_name_no_place_but_the_site() -> None:
    """Addresses are relative, and no index is asked for what is missing."""
    reported = kernel()
    assert reported["disablePyPIFallback"] is True
    assert reported["pyodideUrl"] == "./../pyodide/pyodide.mjs"
    assert "//" not in json.dumps(lite.settings())


def test_what_the_kernel_would_install_by_itself_is_listed() -> None:
    """Else it would look each of these up, one after another, at each start."""
    installed = {"micropip", "piplite", "ipykernel", "comm", "pyodide-kernel"}
    installed |= {"jedi", "ipython"}
    assert installed <= set(kernel()["loadPyodideOptions"]["packages"])


def test_the_policy_comes_first_and_names_no_other_host() -> None:
    page = lite.with_policy("<html>\n<head>\n<script>1</script></head></html>")
    assert page.index("Content-Security-Policy") < page.index("<script>")
    assert '<html lang="en">' in page
    allowed = {word for value in lite.DIRECTIVES.values() for word in value.split()}
    assert {"data:", "blob:"} == {word for word in allowed if not word.startswith("'")}
    assert "connect-src 'self'" in lite.POLICY


def test_the_notebooks_page_asks_for_what_its_kernel_waits_for() -> None:
    """The redirecting front page has nothing to wait for."""
    page = "<html>\n<head>\n<title>Lite</title>{}</head></html>"
    notebook = lite.with_policy(page.format('<link id="jupyter-lite-main">'))
    for name in ("config-utils.js", "pyodide.mjs", "pyodide.asm.wasm"):
        assert name in notebook
    assert "<script" not in lite.with_policy(page.format(""))


def test_a_page_without_a_head_fails_the_build() -> None:
    with pytest.raises(lite.LiteError, match="no <head>"):
        lite.with_policy("<p>no page</p>")


def test_a_notebook_is_given_in_one_piece_and_trusted() -> None:
    """JupyterLite shows a list of lines with commas between them."""
    output = {"output_type": "execute_result", "data": {"text/plain": ["a\n", "b"]}}
    stream = {"output_type": "stream", "text": ["c\n", "d"]}
    code = {"cell_type": "code", "source": ["x\n", "y"], "metadata": {}}
    notebook = {"cells": [{**code, "outputs": [output, stream]}]}
    (cell,) = lite.joined(notebook)["cells"]
    assert ("x\ny", {"trusted": True}) == (cell["source"], cell["metadata"])
    assert ["a\nb", "c\nd"] == [
        cell["outputs"][0]["data"]["text/plain"],
        cell["outputs"][1]["text"],
    ]


@pytest.mark.slow
def test_a_build_holds_every_lab_and_a_policy_on_every_page(tmp_path: Path) -> None:
    folder = lite.build(tmp_path)
    labs = {file.name for file in (ROOT / "labs").glob("*.ipynb")}
    assert labs
    assert labs == {file.name for file in (folder / "files").iterdir()}
    listed = json.loads((folder / "api/contents/all.json").read_text("utf-8"))
    assert labs == {entry["name"] for entry in listed["content"]}
    pages = sorted(folder.rglob("*.html"))
    assert pages
    assert [] == [p for p in pages if lite.POLICY not in p.read_text("utf-8")]
    assert [] == [*folder.rglob("*.map"), *folder.glob("rspack*"), *folder.glob("doc")]


def test_what_has_not_changed_is_not_built_again(tmp_path: Path) -> None:
    folder = tmp_path / "lite"
    folder.mkdir()
    (folder / lite.STAMP).write_text(lite.made_of(), "utf-8")
    assert folder == lite.build(tmp_path)
    assert [lite.STAMP] == [file.name for file in folder.iterdir()]


def test_a_lab_that_has_changed_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lite.made_of()
    monkeypatch.setattr(lite, "LABS", tmp_path)
    (tmp_path / "01-one.ipynb").write_text("{}", "utf-8")
    one = lite.made_of()
    (tmp_path / "01-one.ipynb").write_text("{ }", "utf-8")
    assert 3 == len({before, one, lite.made_of()})
