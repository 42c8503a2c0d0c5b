"""`movingparts report` reads what pages export and what labs write."""

import json
from pathlib import Path

import pytest

from movingparts.check.report import main

PAGES = {
    "format": "movingparts.progress/2",
    "records": [
        {"kind": "exercise", "id": "1.2", "checks": 3, "passed": True},
        {"kind": "exercise", "id": "1.3", "checks": 1, "passed": False},
        {"kind": "question", "id": "01-await", "right": True, "tries": 1},
        {"kind": "question", "id": "01-methods", "right": False, "tries": 2},
        {"kind": "predict", "id": "01-tail", "right": True, "tries": 1},
    ],
}
LAB = {
    "format": "movingparts.progress/1",
    "exercises": {"2.4": {"hints": 1, "checks": 2, "passed": True}},
}


def test_a_line_for_each_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "ada.json", tmp_path / "bob.json"]
    for file, body in zip(files, (PAGES, LAB), strict=True):
        file.write_text(json.dumps(body))
    assert 0 == main(["report", *map(str, files)])
    first, second = capsys.readouterr().out.splitlines()
    assert "(1.2), 4 checks, 1 of 2 questions right" in first
    assert second.startswith("bob.json: solved 1 of ")
    assert "(2.4), 2 checks" in second


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{", "Expecting property name"),
        ("[]", "it is no progress file of the book"),
        ('{"format": "x"}', "its format is 'x'"),
        ('{"format": "movingparts.progress/2", "records": [7]}', "no progress file"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_none_is_named_and_the_others_are_read(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    result: str,
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(LAB))
    if text is not None:
        bad.write_text(text)
    assert 1 == main(["report", str(bad), str(good)])
    out, err = capsys.readouterr()
    assert "good.json: solved 1 of " in out
    assert f"{bad}: " in err
    assert result in err


def test_without_files_it_says_how_it_is_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 2 == main([])
    assert 2 == main(["report"])
    assert "usage: movingparts report FILE..." in capsys.readouterr().err
