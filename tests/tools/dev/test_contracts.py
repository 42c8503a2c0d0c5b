"""The contracts' files: what differs from the code is named, and written."""

import json
import shutil
from functools import cache
from pathlib import Path

import pytest

from tools.dev import contracts

texts = cache(contracts.texts)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the committed files, to be spoiled."""
    monkeypatch.setattr(contracts, "texts", texts)
    copied: Path = shutil.copytree(contracts.FOLDER, tmp_path / "events")
    return copied


def spoil(folder: Path) -> list[str]:
    """Change a file, drop one, add one; return their names in order."""
    ended = folder / "rides.ride-ended.json"
    schema = json.loads(ended.read_text("utf-8"))
    schema["required"].remove("bike_id")
    ended.write_text(json.dumps(schema, indent=2) + "\n", "utf-8")
    (folder / "fleet.bikes-moved.json").unlink()
    (folder / "fleet.bike-painted.json").write_text("{}\n", "utf-8")
    return [
        "fleet.bike-painted.json",
        "fleet.bikes-moved.json",
        "rides.ride-ended.json",
    ]


@pytest.mark.slow
def test_the_committed_files_differ_in_nothing(folder: Path) -> None:
    assert [] == contracts.differing(folder)


def test_what_is_changed_missing_or_left_over_is_named(folder: Path) -> None:
    assert spoil(folder) == contracts.differing(folder)


def test_one_blank_more_is_a_difference(folder: Path) -> None:
    """The files are compared as they are, so that a review sees what has changed."""
    file = folder / "rides.ride-ended.json"
    file.write_text(file.read_text("utf-8") + "\n", "utf-8")
    assert ["rides.ride-ended.json"] == contracts.differing(folder)


def test_what_differs_is_written_and_then_nothing_differs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoiled = spoil(folder)
    differing = contracts.differing
    monkeypatch.setattr(contracts, "FOLDER", folder)
    monkeypatch.setattr(contracts, "differing", lambda: differing(folder))
    assert 0 == contracts.main()
    assert [*spoiled, "contracts: 3 written"] == capsys.readouterr().out.splitlines()
    assert [] == differing(folder)
    assert not (folder / "fleet.bike-painted.json").exists()
    assert 0 == contracts.main()
    assert "contracts: 0 written\n" == capsys.readouterr().out


@pytest.mark.slow
def test_the_same_code_gives_the_same_bytes() -> None:
    """As text that ends in a line break and holds no carriage return."""
    assert texts() == contracts.texts()
    for path, text in texts().items():
        assert text.endswith("}\n"), path
        assert "\r" not in text
