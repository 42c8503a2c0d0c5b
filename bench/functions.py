"""Chapter 11's cold starts: real processes, from nothing to the first answer.

Each is started by `LocalBackend`, as a new process and by a fork server that has done
the imports before. All take turns, so that what else runs here slows each alike.
"""

import asyncio
import time

from movingparts.function import Code, Config
from movingparts.function.contract import Request
from movingparts.function.local import LocalBackend

STARTS = 60  # of each
IMPORTS = {"bare": (), "pydantic": ("pydantic",), "fastapi": ("fastapi",)}
SPAWN, FORK = "spawn", "fork server"


def code(what: str) -> Code:
    """Return a function that imports a library and does nothing with it."""
    imports = "".join(f"import {module}\n" for module in IMPORTS[what])
    source = f"{imports}\ndef handler(event, context):\n    return 'here'\n"
    return Code(what, 1, source, Config(memory_mb=1769), {})


async def start(backend: LocalBackend, what: str) -> float:
    """Return the seconds until a new instance has given its first answer."""
    begun = time.perf_counter()
    instance = await backend.start(code(what))
    result = await instance.run(Request("1", {}))
    took = time.perf_counter() - begun
    await instance.close()
    if result.value != "here":
        raise RuntimeError(f"{what}: {result}")
    return took


async def starts() -> dict[str, dict[str, list[float]]]:
    """Return the times by library and by how an instance is started."""
    found: dict[str, dict[str, list[float]]] = {
        what: {SPAWN: [], FORK: []} for what in IMPORTS
    }
    backends = {
        (what, how): LocalBackend(preload=modules if how == FORK else None)
        for what, modules in IMPORTS.items()
        for how in (SPAWN, FORK)
    }
    try:
        for (what, _), backend in backends.items():
            await start(backend, what)  # the first one fills the disk's cache
        for _ in range(STARTS):
            for (what, how), backend in backends.items():
                found[what][how].append(round(await start(backend, what), 4))
    finally:
        for backend in backends.values():
            await backend.close()
    return found


def chapter_11() -> dict[str, dict[str, dict[str, list[float]]]]:
    """Return the seconds of cold starts."""
    return {"cold": asyncio.run(starts())}
