"""Why nothing can happen any more: which tasks wait, and for what."""

from __future__ import annotations

import asyncio
import linecache
from types import CodeType, FrameType
from typing import Any


def report(
    loop: asyncio.AbstractEventLoop, main: asyncio.Task[Any], seconds: float
) -> str:
    """Return a sentence and a line for each task that waits, the scenario first."""
    tasks = [task for task in asyncio.all_tasks(loop) if not task.cancelling()]
    others = [t for t in tasks if t is not main and t.get_name() != "lifespan"]
    lines = [_line(task) for task in [main, *others] if task.get_coro() is not None]
    named = sorted({line for line in lines[1:] if line})
    head = (
        f"nothing can happen any more at {seconds:g} s, but the scenario has not ended;"
        " these wait for each other or for nothing (a call without a timeout whose"
        " reply was lost, an event that nobody sets):"
    )
    return "\n".join([head, lines[0] or "- the scenario waits for its world", *named])


def _line(task: asyncio.Task[Any]) -> str:
    frames = _frames(task.get_coro())
    own = [frame for frame in frames if not _ours(frame.f_code)]
    if not own:
        return ""
    frame = own[-1]
    code = frame.f_code
    source = linecache.getline(code.co_filename, frame.f_lineno).strip()
    where = f"`{source}`, " if source else ""
    return f"- {task.get_name()} waits at {where}{code.co_name}, line {frame.f_lineno}"


def _frames(awaited: Any) -> list[FrameType]:
    """Return the frames of a chain of awaits, the outermost first."""
    frames = []
    while awaited is not None:
        for prefix in ("cr", "gi", "ag"):
            frame = getattr(awaited, f"{prefix}_frame", None)
            if frame is not None:
                frames.append(frame)
                awaited = getattr(awaited, f"{prefix}_await", None) or getattr(
                    awaited, f"{prefix}_yieldfrom", None
                )
                break
        else:
            break
    return frames


def _ours(code: CodeType) -> bool:
    """Return whether code belongs to the machinery rather than to the reader."""
    path = code.co_filename.replace("\\", "/")
    machinery = (
        "/site-packages/",
        "/asyncio/",
        "/movingparts/core/",
        "/movingparts/world/",
        "/movingparts/bus/",
    )
    return any(part in path for part in machinery)
