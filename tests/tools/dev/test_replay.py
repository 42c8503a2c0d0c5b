"""`make replay` with a small file: what it says, and what it finds wrong."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from movingparts.city.synthetic import larkhaven, write_trips
from tools.dev import replay

RIDES = 60


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["replay", *arguments])
    return replay.main()


def trips(name: str = "trips.csv") -> str:
    write_trips(islice(larkhaven(seed=7).rides(), RIDES), name, layout="urban-sharing")
    return name


def opened(name: str) -> sqlite3.Connection:
    return sqlite3.connect(replay.FOLDER / f"{name}.sqlite")


def test_all_rides_are_in_the_log_and_in_the_views(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run(monkeypatch, trips())
    said = capsys.readouterr().out
    assert f"{RIDES} of {RIDES} rides" in said
    assert "0 bikes in two places or in none, 0 errors in the feed" in said
    with closing(opened("log")) as log, closing(opened("fares")) as fares:
        ended = "SELECT count(*) FROM events WHERE type = 'RideEnded'"
        assert (RIDES,) == log.execute(ended).fetchone()
        assert (RIDES,) == fares.execute("SELECT sum(rides) FROM fares").fetchone()


def test_again_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [0, 0] == [run(monkeypatch, trips()) for _ in range(2)]


def test_an_error_in_the_file_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == run(monkeypatch, "none.csv")
    assert "none.csv" in capsys.readouterr().err
    Path("other.csv").write_text("a,b\n1,2\n")
    assert 1 == run(monkeypatch, "other.csv")
    assert "other.csv" in capsys.readouterr().err


def test_views_that_do_not_agree_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, trips())
    with closing(opened("map")) as city, closing(opened("bikes")) as bikes:
        dbs = {"map": city, "bikes": bikes}
        assert [] == list(replay.off(dbs))
        bikes.execute("DELETE FROM bikes WHERE rowid = 1")
        assert 1 == len(list(replay.off(dbs)))
