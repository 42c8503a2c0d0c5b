"""Percentiles, and the services and the load that make a tail."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from movingparts.core import Constant, LogNormal, Node
from movingparts.measure.latency import (
    Percentiles,
    asking,
    busy,
    calls_made,
    latencies,
    load,
    percentile,
    round_robin,
)
from movingparts.world.simulated import SimulatedWorld, simulate

SAMPLES = st.lists(st.integers(0, 1000), min_size=1)


@given(SAMPLES, st.integers(1, 100))
def test_that_many_samples_are_at_most_the_percentile(
    samples: list[int], percent: int
) -> None:
    found = percentile(samples, percent)
    assert sum(sample <= found for sample in samples) * 100 >= percent * len(samples)
    assert sum(sample < found for sample in samples) * 100 < percent * len(samples)


@pytest.mark.parametrize(("samples", "percent"), [([], 50), ([1, 2], 0), ([1, 2], 101)])
def test_a_percentile_that_means_nothing_is_refused(
    samples: list[int], percent: float
) -> None:
    with pytest.raises(ValueError) as caught:
        percentile(samples, percent)
    expected = f"needs samples and 0 < percent <= 100, got {len(samples)} and {percent}"
    assert expected == str(caught.value)


def test_percentiles_take_an_iterator() -> None:
    assert Percentiles(2, 3, 3) == Percentiles.of(iter([3, 1, 2]))


def test_a_chain_takes_as_long_as_its_hops_together() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        world.network.everywhere(latency=Constant(0.002))
        await world.serve("last", asking())
        await world.serve("first", asking("last"))
        return (await world.client("rider").get("http://first/")).json()

    recording = simulate(scenario, seed=7)
    assert "first" == recording.result
    assert [8.0] == latencies(recording, "rider")
    assert [4.0] == latencies(recording, "first")


def test_a_fan_out_takes_as_long_as_its_slowest_call() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        parts = ["one", "two", "three"]
        for part in parts:
            await world.serve(part, asking())
        await world.serve("page", asking(*parts))
        world.network.between("page", "two", latency=Constant(0.010))
        return (await world.client("rider").get("http://page/")).json()

    recording = simulate(scenario, seed=7)
    assert "page" == recording.result
    assert [[2.0, 20.0, 2.0]] == calls_made(recording, "page")
    assert [22.0] == latencies(recording, "rider")


def test_calls_that_have_no_end_yet_are_not_counted() -> None:
    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("last", asking())
        await world.serve("first", asking("last"))
        world.network.lose("last", "first")
        await world.client("rider", timeout=None).get("http://first/")

    recording = simulate(scenario, seed=7, until=1.0)
    assert [] == latencies(recording, "first")
    assert [[]] == calls_made(recording, "first")


@pytest.mark.parametrize(("cores", "last"), [(1, 1.2), (2, 0.6), (4, 0.3)])
def test_requests_wait_for_a_free_core(cores: int, last: float) -> None:
    async def scenario(world: SimulatedWorld) -> float:
        await world.serve("part", busy(asking(), 0.3, cores=cores))
        world.network.everywhere(latency=Constant(0))
        await load(world, "riders", get("http://part/"), count=4, rate=1e6)
        return world.clock.monotonic()

    assert last == pytest.approx(simulate(scenario, seed=7).result, abs=0.001)


def get(url: str) -> Any:
    async def send(client: httpx.AsyncClient, number: int) -> httpx.Response:
        return await client.get(url)

    return send


def echo(node: Node) -> FastAPI:
    app = FastAPI()

    @app.post("/{path:path}")
    async def answer(path: str, request: Request) -> dict[str, Any]:
        text = await request.json()
        return {"by": node.name, "path": path, "said": text, **request.query_params}

    return app


def test_a_load_balancer_takes_turns_and_passes_requests_on_whole() -> None:
    async def scenario(world: SimulatedWorld) -> list[Any]:
        for name in ("echo-1", "echo-2"):
            await world.serve(name, echo)
        await world.serve("echo", round_robin(["echo-1", "echo-2"]))
        rider = world.client("rider")
        url = "http://echo/rides/7?minutes=12"
        return [(await rider.post(url, json={"n": n})).json() for n in range(3)]

    expected = [
        {"by": by, "path": "rides/7", "said": {"n": n}, "minutes": "12"}
        for n, by in enumerate(["echo-1", "echo-2", "echo-1"])
    ]
    assert expected == simulate(scenario, seed=7).result


def test_a_load_reports_the_outcome_of_each_request() -> None:
    async def scenario(world: SimulatedWorld) -> list[str]:
        await world.serve("part", asking())
        world.network.lose("riders", "part", kind="request", skip=1)
        return await load(world, "riders", get("http://part/"), count=3, rate=10)

    assert ["200", "ReadTimeout", "200"] == simulate(scenario, seed=7).result


def test_the_same_seed_gives_the_same_load() -> None:
    async def scenario(world: SimulatedWorld) -> list[str]:
        world.network.everywhere(latency=LogNormal(0.002, 0.020), loss=0.1)
        await world.serve("part", asking())
        return await load(world, "riders", get("http://part/"), count=20, rate=10)

    assert simulate(scenario, seed=7) == simulate(scenario, seed=7)
    assert simulate(scenario, seed=7) != simulate(scenario, seed=8)
