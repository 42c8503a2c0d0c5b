"""Deploying, naming and configuring functions: what is refused changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from movingparts.core.random import Constant
from movingparts.function import Config, FunctionError, InitError, Platform, Profile
from tests.function.scripted import ECHO, FAILS, on_platform


def test_a_source_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "fares.py"
    file.write_text(ECHO, "utf-8")

    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", file)
        return (await platform.invoke("fares", 4)).value

    assert 4 == on_platform(scenario)


@pytest.mark.parametrize(
    ("source", "config", "why"),
    [
        ("def handler(:", {}, "fares is no Python: invalid syntax"),
        (ECHO, {"secrets": ("KEY",)}, "there is no secret named 'KEY'"),
        (ECHO, {"memory_mb": 64}, "memory_mb is from 128 to 10240, got 64"),
        (ECHO, {"timeout": 901}, "timeout is up to 900 seconds, got 901"),
        (ECHO, {"timeout": 0}, "timeout is up to 900 seconds, got 0"),
        (ECHO, {"concurrency": 0}, "concurrency is 1 or more, got 0"),
        (ECHO, {"reserved": 11}, "11 of 10 can't be reserved for fares: 0 are"),
        (
            ECHO,
            {"reserved": 1, "provisioned": 2},
            "2 of 1 reserved instances can't be provisioned",
        ),
    ],
)
def test_what_cannot_be_deployed_says_why_and_leaves_the_version_before(
    source: str, config: dict[str, Any], why: str
) -> None:
    async def scenario(platform: Platform) -> Any:
        with pytest.raises(FunctionError) as error:
            await platform.deploy("fares", source, **config)
        before = dict(platform.functions)
        await platform.deploy("fares", ECHO)
        with pytest.raises(FunctionError):
            await platform.deploy("fares", source, **config)
        return str(error.value), before, (await platform.invoke("fares", 1)).version

    found, before, version = on_platform(scenario, limit=10)
    assert why == found[: len(why)]
    assert ({}, 1) == (before, version)


def test_a_provisioned_version_that_does_not_start_leaves_nothing() -> None:
    async def scenario(platform: Platform) -> Any:
        with pytest.raises(InitError):
            await platform.deploy("fares", "1 / 0", provisioned=1)
        with pytest.raises(FunctionError) as unknown:
            await platform.invoke("fares", 1)
        await platform.deploy("fares", ECHO)
        with pytest.raises(InitError):
            await platform.deploy("fares", "1 / 0", provisioned=1)
        return str(unknown.value), (await platform.invoke("fares", 1)).version

    expected = ("there is no function 'fares'; there are: none yet", 1)
    assert expected == on_platform(scenario)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("bikes", "there is no function 'bikes'; there are: fares"),
        ("fares:blue", "fares has no alias and no version 'blue'"),
        ("fares:7", "fares has no alias and no version '7'"),
    ],
)
def test_an_unknown_name_is_refused_before_anything_is_saved(
    name: str, why: str
) -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO)
        with pytest.raises(LookupError) as error:
            platform.send(name, 1)
        with pytest.raises(FunctionError):
            await platform.invoke(name, 1)
        return str(error.value), len(platform.queue)

    assert (why, 0) == on_platform(scenario)


def test_only_what_was_replaced_can_be_rolled_back() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO)
        with pytest.raises(FunctionError, match="fares has no version before this"):
            platform.roll_back("fares")
        with pytest.raises(FunctionError, match="fares has no version 2"):
            platform.alias("fares", "canary", 2)
        await platform.deploy("fares", FAILS)
        back, forth = platform.roll_back("fares"), platform.roll_back("fares")
        return back, forth, (await platform.invoke("fares", 1)).status

    assert (1, 2, "error") == on_platform(scenario)


def test_a_function_that_waits_for_a_failed_one_fails_in_turn() -> None:
    async def scenario(platform: Platform) -> Any:
        waits = "async def handler(event, context):\n"
        await platform.deploy("price", FAILS)
        await platform.deploy(
            "fares", waits + "    return await context.invoke('price', event)"
        )
        done = await platform.invoke("fares", 1)
        return done.status, "FunctionError: price: error ValueError" in done.error

    assert ("error", True) == on_platform(scenario)


def test_only_versions_that_an_alias_means_keep_provisioned_instances() -> None:
    async def scenario(platform: Platform) -> Any:
        versions = platform.functions

        async def up() -> list[int]:
            await platform.node.clock.sleep(60.0)
            return [len(pool) for pool in versions["fares"].versions.values()]

        for _ in (1, 2):
            await platform.deploy("fares", ECHO, provisioned=2, keep_warm=10.0)
        found = [await up()]
        platform.alias("fares", "blue", 1)
        found.append(await up())
        platform.alias("fares", "blue", 2)
        found.append(await up())
        platform.roll_back("fares")
        platform.roll_back("fares")
        platform.alias("fares", "blue", 1)
        found.append(await up())
        again = [await platform.invoke("fares:blue", each) for each in (1, 2)]
        return found, [(each.cold, each.provisioned) for each in again]

    found, again = on_platform(scenario)
    assert [[0, 2], [2, 2], [0, 2], [2, 2]] == found
    assert [(False, True)] * 2 == again


def test_a_functions_reservation_is_that_of_its_newest_version() -> None:
    async def scenario(platform: Platform) -> Any:
        for reserved in (9, 2, None):
            await platform.deploy("fares", ECHO, reserved=reserved)
        await platform.deploy("receipts", ECHO, reserved=10)
        return platform.functions["fares"].reserved

    assert on_platform(scenario, limit=10) is None


def test_what_has_not_started_counts_as_running() -> None:
    """A burst is limited from its first microsecond on."""

    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO)
        tasks = platform.node.tasks
        asked = [tasks.create_task(platform.invoke("fares", n)) for n in range(5)]
        return [(await each).status for each in asked]

    assert ["ok"] * 3 + ["throttled"] * 2 == on_platform(scenario, limit=3)


def test_what_has_run_is_kept_with_its_times() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO, memory_mb=1769)
        for _ in range(2):
            await platform.invoke("fares", 1)
        await platform.close()
        took = [(each.began, each.init, each.run) for each in platform.invocations]
        return took, platform.sizes

    profile = Profile(start=Constant(0.2), init=Constant(0.3), run=Constant(0.1))
    took, sizes = on_platform(scenario, {"fares": profile})
    assert [(0.0, 0.5, 0.1), (0.6, 0.0, 0.1)] == took
    assert [(0.5, "fares", 1), (0.7, "fares", 0)] == sizes


def test_a_default_configuration_is_lambdas() -> None:
    assert (128, 3.0, 1) == (Config().memory_mb, Config().timeout, Config().concurrency)
