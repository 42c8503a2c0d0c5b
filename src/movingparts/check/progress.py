"""What a reader has done so far: a small file beside the notebook, or the browser's."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from movingparts.check import browser

FORMAT = "movingparts.progress/1"
VARIABLE = "MOVINGPARTS_PROGRESS"


def here() -> Path:
    """Return where progress is kept: `$MOVINGPARTS_PROGRESS`, or a hidden folder."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path.cwd() / ".movingparts" / "progress.json"


@dataclass(slots=True)
class Done:
    """One exercise: how many hints were shown, how often it was checked, if it passed.

    >>> Done(hints=1)
    Done(hints=1, checks=0, passed=False)
    """

    hints: int = 0
    checks: int = 0
    passed: bool = False


class Progress:
    """Progress in a file. `notes` says what the reader ought to know about it.

    A file that cannot be read is set aside under another name; where nothing can be
    written, progress is not kept, and a note says so. In a browser tab the browser
    keeps it, so that the book's pages know it too.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     progress = Progress(Path(folder) / "progress.json")
    ...     progress.save("1.2", Done(hints=1))
    ...     Progress(Path(folder) / "progress.json").of("1.2")
    Done(hints=1, checks=0, passed=False)
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = here() if path is None else path
        self.notes: list[str] = []
        self._tab = browser.tab() if path is None else None
        self._done = self._read() if self._tab is None else _read_tab(self._tab)

    def of(self, exercise_id: str) -> Done:
        """Return what was done of one exercise."""
        return self._done.get(exercise_id, Done())

    def save(self, exercise_id: str, done: Done) -> None:
        """Keep what was done of one exercise; the file is replaced in one step."""
        self._done[exercise_id] = done
        if self._tab is None:
            self._write()
        else:
            self._tab.save(exercise_id, **asdict(done))
            self.notes += filter(None, [self._tab.note()])

    def _write(self) -> None:
        rows = {
            key: {"hints": row.hints, "checks": row.checks, "passed": row.passed}
            for key, row in sorted(self._done.items())
        }
        text = json.dumps({"format": FORMAT, "exercises": rows}, indent=2) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, text)
        except OSError as error:
            why = error.strerror or type(error).__name__
            self.notes.append(f"Progress is not kept: {self.path.name}: {why}.")

    def _read(self) -> dict[str, Done]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            self._set_aside(f"could not be read ({type(error).__name__})")
            return {}
        try:
            return _rows(json.loads(text))
        except (ValueError, RecursionError) as error:
            self._set_aside(f"is damaged ({' '.join(str(error).split())[:80]})")
            return {}

    def _set_aside(self, why: str) -> None:
        for number in range(1, 1_000):
            aside = self.path.with_name(f"{self.path.stem}.broken-{number}.json")
            if not aside.exists():
                break
        try:
            self.path.replace(aside)
        except OSError:
            self.notes.append(f"{self.path.name} {why}; a new one takes its place.")
        else:
            self.notes.append(
                f"{self.path.name} {why}: it is now {aside.name}, and a new one begins."
            )


def _read_tab(tab: browser.Tab) -> dict[str, Done]:
    return _rows({"format": FORMAT, "exercises": json.loads(tab.text())})


def _rows(body: Any) -> dict[str, Done]:
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    rows = body.get("exercises")
    if not isinstance(rows, dict):
        raise ValueError("it has no exercises")  # noqa: TRY004  # of a file, not of code
    return {str(key): _row(key, row) for key, row in rows.items()}


def _row(key: str, row: Any) -> Done:
    wanted = {"hints": int, "checks": int, "passed": bool}
    if not isinstance(row, dict) or set(row) != set(wanted):
        raise ValueError(f"exercise {key}: not hints, checks and passed")
    for name, kind in wanted.items():
        if type(row[name]) is not kind or row[name] < 0:
            raise ValueError(f"exercise {key}: {name} is {row[name]!r}")
    return Done(**row)


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".progress-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


browser.tab()  # begins to read what was done before, so that the next cell knows it
