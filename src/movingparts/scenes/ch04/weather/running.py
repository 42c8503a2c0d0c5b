"""Larkhaven on this machine, with a weather service in one language or another."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from movingparts.gateway import gateway
from movingparts.scenes.ch04.home import HOME, SERVICES, authenticate
from movingparts.scenes.ch04.weather.rig import Sensors
from movingparts.world import LocalWorld, Node, Table
from movingparts.world.local.javascript import node_command

HERE = Path(__file__).parent
ADA = {"authorization": "Bearer token-of-ada"}


def script(name: str) -> list[str]:
    """Return the command that runs one of this folder's scripts, such as hello.js."""
    return node_command(HERE / name)


async def larkhaven(world: LocalWorld) -> Sensors:
    """Serve the gateway, `sensors`, and all services behind it but `weather`."""

    def front_door(node: Node) -> Any:
        screens = {"/screen/{station}": HOME}
        return gateway(node, screens=screens, authenticate=authenticate)

    for name, factory in SERVICES.items():
        if name != "weather":
            await world.serve(name, factory)
    sensors = Sensors()
    sensors.url = (await world.serve("sensors", sensors)).url
    await world.serve("gateway", front_door)
    return sensors


async def home(world: LocalWorld) -> Any:
    """Return the home screen that the gateway makes for Ada."""
    app = world.client("app")
    answer = await app.get("http://gateway/screen/harbor", headers=ADA)
    return answer.json()


def on_the_port_of(taken: int, name: str) -> dict[str, Any]:
    """Start a script on a port that is taken; return what it says and its exit code."""
    done = subprocess.run(
        script(name),
        env={**os.environ, "PORT": str(taken)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    lines = (done.stdout or done.stderr).replace(str(taken), "PORT").splitlines()
    said = next((each for each in lines if "PORT" in each), "")
    return {"it said": said.strip(), "exit code": done.returncode}


def compared(checked: Mapping[str, Mapping[str, str]]) -> Table:
    """Return a row for each check; one service alone has its reasons in it too."""
    alone = len(checked) == 1
    rows = []
    for check in next(iter(checked.values())):
        found = [each[check] for each in checked.values()]
        rows.append((check, *(f if alone else f.partition(":")[0] for f in found)))
    return Table(("the contract", *checked), rows)
