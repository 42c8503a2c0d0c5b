"""Pages are run on all cores before Sphinx reads them."""

from pathlib import Path

import pytest

from tools.site import execute

PAGE = """---
file_format: mystnb
kernelspec:
  name: python3
---

# A page

```{code-cell} ipython3
%s
```
"""


@pytest.mark.slow
def test_each_page_is_run_once_and_one_that_fails_is_left_to_sphinx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sphinx finds the outputs in the cache, and says of the other what is wrong."""
    chapters = tmp_path / "chapters"
    chapters.mkdir()
    (chapters / "01-fine.md").write_text(PAGE % "6 * 7")
    (chapters / "02-broken.md").write_text(PAGE % "1 / 0")
    (chapters / "index.md").write_text("# No cells\n")
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    monkeypatch.setattr(execute, "CACHE", tmp_path / "cache")
    assert 0 == execute.main()
    text = capsys.readouterr().out
    assert "01-fine.md: Executed notebook in" in text
    assert "02-broken.md: Executed" not in text
    assert "index.md" not in text
    assert 0 == execute.main()
    assert "01-fine.md" not in capsys.readouterr().out


@pytest.mark.parametrize(("dies", "starts"), [(0, 1), (2, 3), (3, 3)])
def test_a_kernel_that_dies_as_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: int, starts: int
) -> None:
    """Two kernels that start at once may choose one port (jupyter_client)."""
    started = []

    def start(*_: object, **__: object) -> str:
        started.append("kernel")
        if len(started) <= dies:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "executed"

    monkeypatch.setattr(execute, "single_nb_execution", start)
    page = tmp_path / "page.md"
    page.write_text(PAGE % "1 + 1", "utf-8")
    if dies < execute.STARTS:
        assert execute.run(page)[1] == "executed"
    else:
        with pytest.raises(RuntimeError, match="Kernel died"):
            execute.run(page)
    assert len(started) == starts
