"""The sidecar: what goes out through it, what comes in, and what it leaves alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from movingparts.control_plane import Configuration, Mesh, Policy, control_plane
from movingparts.core import Node
from movingparts.faults import Fault
from movingparts.sidecar import inbound, outbound, sidecar, through
from movingparts.world.simulated import SimulatedWorld
from tests.each_world import Run, each_world, simulated

run = each_world


@dataclass
class Billing:
    """A copy that answers with what it gets; `statuses` are its first answers'."""

    statuses: list[int] = field(default_factory=list)
    after: float = 0.0
    asked: int = 0

    def __post_init__(self) -> None:
        self.statuses = [*self.statuses]  # each copy has its own

    def __call__(self, node: Node) -> FastAPI:
        app = FastAPI()

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        async def answer(request: Request) -> Response:
            self.asked += 1
            await node.clock.sleep(self.after)
            status = self.statuses.pop(0) if self.statuses else 200
            path = request.scope["raw_path"].decode()
            body = (await request.body()).decode()
            text = f"{request.method} {path}?{request.url.query} {body}"
            response = Response(text, status)
            response.headers.append("set-cookie", "a=1")
            response.headers.append("set-cookie", "b=2")
            caller = request.headers.get("x-mesh-caller", "")
            two = ", ".join(request.headers.getlist("x-two"))
            response.headers["x-called-by"] = f"{caller} {two}"
            return response

        return app


def rides(node: Node) -> FastAPI:
    """Pass on to billing what comes, and its answer back, and know no mesh."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def ask(request: Request) -> Response:
        path = request.scope["raw_path"].decode()
        answer = await node.client.request(
            request.method,
            f"http://billing{path}?{request.url.query}",
            content=await request.body(),
            headers=[("x-two", "1"), ("x-two", "2"), ("x-mesh-caller", "a lie")],
            timeout=20,
        )
        response = Response(answer.content, answer.status_code)
        response.raw_headers += answer.headers.raw
        return response

    return app


async def serve(
    world: Any, policy: Policy | None = None, copies: int = 1, **billing: Any
) -> list[Billing]:
    """Serve rides and copies of billing, with a sidecar beside each."""
    policies = {"billing": policy or Policy(), "rides": Policy(seconds=30)}
    mesh = Mesh(policies=policies)
    await world.serve("control-plane", partial(control_plane, mesh=mesh))
    found = [Billing(**billing) for _ in range(copies)]
    for number, copy in enumerate(found, 1):
        name = f"billing-{number}"
        beside = partial(sidecar, service="billing", app=f"http://{name}")
        await world.serve(name, copy)
        await world.serve(f"{name}-sidecar", beside)
    beside = partial(sidecar, service="rides", app="http://rides", every=0.1)
    await world.serve("rides", through(rides, "http://rides-sidecar"))
    await world.serve("rides-sidecar", beside)
    return found


async def ask(world: Any, method: str = "GET", path: str = "/fares") -> httpx.Response:
    riders = world.client("riders", timeout=60)
    url = f"http://rides-sidecar{path}"
    answer: httpx.Response = await riders.request(method, url, content="ab")
    return answer


def asked(policy: Policy, method: str = "GET", times: int = 1, **billing: Any) -> Any:
    """Return the statuses of some requests, and how often each copy was asked."""

    async def scenario(world: SimulatedWorld) -> Any:
        copies = await serve(world, policy, **billing)
        found = [(await ask(world, method)).status_code for _ in range(times)]
        await world.clock.sleep(5)  # until the last copy has its answer
        return found, sorted(copy.asked for copy in copies)

    return simulated(scenario)


# --- a request arrives as it was sent ---------------------------------------------


def test_neither_service_sees_that_there_are_sidecars(run: Run) -> None:
    async def scenario(world: Any) -> httpx.Response:
        await serve(world)
        return await ask(world, "POST", "/a%2Fb/%3F?q=1&q=2")

    answer = run(scenario)
    assert "POST /a%2Fb/%3F?q=1&q=2 ab" == answer.text
    assert ["a=1", "b=2"] == answer.headers.get_list("set-cookie")


def test_the_caller_s_sidecar_says_who_calls_whatever_the_service_says() -> None:
    async def scenario(world: SimulatedWorld) -> str:
        await serve(world)
        return (await ask(world)).headers["x-called-by"]

    assert "rides 1, 2" == simulated(scenario)


# --- on the way out ---------------------------------------------------------------


def test_a_failure_is_tried_again_at_another_copy() -> None:
    found = asked(Policy(attempts=2), copies=2, statuses=[500])
    assert ([500], [1, 1]) == found
    policy = Policy(attempts=3)
    assert ([200], [1, 2]) == asked(policy, copies=2, statuses=[500])


def test_a_post_is_not_tried_again_after_an_error_that_says_nothing() -> None:
    assert ([500], [1]) == asked(Policy(attempts=3), "POST", statuses=[500])


def test_what_the_caller_did_wrong_is_not_tried_again() -> None:
    assert ([404], [1]) == asked(Policy(attempts=3), statuses=[404])


def test_a_copy_that_takes_too_long_is_given_up_with_504() -> None:
    assert ([504], [1]) == asked(Policy(seconds=0.5), after=2.0)


def test_a_long_time_is_given_if_the_policy_says_so() -> None:
    assert ([200], [1]) == asked(Policy(seconds=10), after=8.0)


def test_a_copy_that_keeps_failing_is_left_out() -> None:
    policy = Policy(failures=2)
    assert ([500, 500, 503], [2]) == asked(policy, times=3, statuses=[500] * 9)


@pytest.mark.parametrize("balancer", ["round robin", "least requests", "two choices"])
def test_each_balancer_shares_the_requests(balancer: Any) -> None:
    _, counts = asked(Policy(balancer=balancer), times=20, copies=2)
    assert 20 == sum(counts)
    assert min(counts) > 0


def test_without_a_copy_the_answer_is_503() -> None:
    assert ([503], []) == asked(Policy(), copies=0)


def test_a_fault_takes_the_place_of_the_copy_and_is_tried_again() -> None:
    fault = Fault("billing", abort=500)
    assert ([500], [0]) == asked(Policy(attempts=2, faults=(fault,)))


def test_a_delay_counts_for_the_timeout() -> None:
    fault = Fault("billing", delay=3.0)
    assert ([504], [0]) == asked(Policy(seconds=1.0, faults=(fault,)))


def test_a_dead_copy_costs_no_answer() -> None:
    async def scenario(world: SimulatedWorld) -> set[int]:
        await serve(world, Policy(attempts=2), copies=2)
        world.crash("billing-1-sidecar")
        return {(await ask(world)).status_code for _ in range(20)}

    assert {200} == simulated(scenario)


# --- on the way in ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("callers", "status"), [(None, 200), (("rides", "map"), 200), (("map",), 403)]
)
def test_only_those_whom_the_policy_names_may_call(
    callers: tuple[str, ...] | None, status: int
) -> None:
    assert ([status], [int(status == 200)]) == asked(Policy(callers=callers))


def test_nobody_in_particular_may_not_call_either() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await serve(world, Policy(callers=("rides",)))
        answer = await world.client("riders").get("http://billing-1-sidecar/fares")
        return answer.status_code, answer.json()["detail"]

    assert (403, "nobody may not call billing") == simulated(scenario)


def test_who_calls_too_often_is_told_when_to_come_back() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await serve(world, Policy(rate=0.2))
        first, second = [await ask(world) for _ in range(2)]
        await world.clock.sleep(float(second.headers["retry-after"]))
        third = await ask(world)
        return [each.status_code for each in (first, second, third)]

    assert [200, 429, 200] == simulated(scenario)


def test_a_service_that_is_down_is_503_though_its_sidecar_runs() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await serve(world)
        world.crash("billing-1")
        return (await ask(world)).status_code

    assert 503 == simulated(scenario)


# --- policies and the control plane -----------------------------------------------


def test_a_new_policy_holds_without_a_new_start() -> None:
    async def scenario(world: SimulatedWorld) -> list[int]:
        await serve(world, after=1.5)
        before = (await ask(world)).status_code
        url = "http://control-plane/policies/billing"
        json = Policy(seconds=3).model_dump()
        await world.client("team").put(url, json=json)
        await world.clock.sleep(1.1)
        return [before, (await ask(world)).status_code]

    assert [504, 200] == simulated(scenario)


def test_before_it_knows_the_mesh_it_lets_nobody_in_or_out() -> None:
    async def scenario(world: SimulatedWorld) -> list[int]:
        await serve(world)
        world.crash("control-plane")
        world.crash("billing-1-sidecar")
        await world.restart("billing-1-sidecar")
        away = (await ask(world)).status_code
        await world.restart("control-plane")
        await world.clock.sleep(2.5)
        return [away, (await ask(world)).status_code]

    assert [503, 200] == simulated(scenario)


def test_a_sidecar_that_stops_gives_its_lease_back() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await serve(world)
        gone = await world.serve("billing-2-sidecar", lone)
        mesh = "http://control-plane/mesh"
        before = (await world.client("team").get(mesh)).json()["copies"]["billing"]
        await gone.stop()
        after = (await world.client("team").get(mesh)).json()["copies"]["billing"]
        return len(before), len(after)

    lone = partial(sidecar, service="billing", app="http://billing-1")
    assert (2, 1) == simulated(scenario)


# --- each half alone --------------------------------------------------------------


def test_each_half_may_be_a_process_and_say_how_to_send_and_who_calls() -> None:
    sent: list[str] = []

    def out(node: Node) -> FastAPI:
        async def send(request: httpx.Request) -> httpx.Response:
            sent.append(request.extensions["sni_hostname"])
            return await node.client.send(request)

        return outbound(node, Configuration(node), service="rides", send=send)

    def into(node: Node) -> FastAPI:
        return inbound(
            node,
            Configuration(node),
            service="billing",
            app="http://billing-1",
            copy="http://billing-in",
            caller_of=lambda request: "a certificate's name",
        )

    async def scenario(world: SimulatedWorld) -> Any:
        mesh = Mesh(policies={"billing": Policy(callers=("a certificate's name",))})
        await world.serve("control-plane", partial(control_plane, mesh=mesh))
        await world.serve("billing-1", Billing())
        await world.serve("billing-in", into)
        await world.serve("rides-out", out)
        await world.serve("rides", through(rides, "http://rides-out"))
        answer = await world.client("riders").get("http://rides/fares")
        return answer.status_code, answer.headers["x-called-by"]

    assert (200, "rides 1, 2") == simulated(scenario)
    assert ["billing"] == sent
