"""Print what each chapter costs, in lines and in seconds, and what is over its bar.

    make budget

Lines are those of the files of the repository. Seconds are those of the last
`make test`: each part's wall time, shared out by what its tests took, so that the
column adds up to the time that a reader of the terminal has waited.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tools.dev import junit
from tools.dev.chapters import Owners, tracked

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".movingparts" / "test"
BASE = "base"

# The bars of DESIGN.md, on two quiet cores.
LINES = {"chapter": 5_000}
SECONDS = {"chapter": 75.0, BASE: 480.0}

# Why a chapter is over its lines, for whoever asks what to cut.
WHY = {
    "02": "Its scenes are a wall of events, and what each wrong sorting does to a day.",
    "03": "It has six exercises, whose drivers are scenes; its pages run one stand in"
    " four designs.",
    "04": "It has six exercises; the gateway and `service` have tests of their own; the"
    " door runs on Envoy too, and one service in JavaScript.",
    "05": "Each page's run is a scene of its own, and the lab's is a cluster of three.",
    "06": "It crashes a saga at each commit, and runs the same ride on PostgreSQL, DBOS"
    " and real processes.",
    "07": "It runs both models as processes too, and serves a whole GBFS feed.",
    "08": "It has six exercises, and runs its log on a library, on UmaDB and as"
    " processes.",
    "11": "It has seven exercises, and a function platform on real processes, whose"
    " parts are tested one by one.",
    "12": "It has seven pages and exercises and ten mechanisms, and runs them on Envoy,"
    " etcd and NATS too.",
}

KINDS = ("text", "lab", "exercises", "mechanisms", "scenes", "tests", "other")
WRITTEN = {
    *(".bib", ".css", ".html", ".in", ".ipynb", ".js", ".md", ".mjs", ".py", ".sh"),
    *(".sql", ".toml", ".yaml", ".yml"),
}


@dataclass(slots=True)
class Cost:
    """What a chapter, or the base, costs."""

    lines: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def kind(path: str) -> str:
    """The column in which the lines of a file stand."""
    match path.split("/"):
        case ["labs", "exercises", *_]:
            return "exercises"
        case ["labs", *_]:
            return "lab"
        case ["tests", *_]:
            return "tests"
        case ["src", "movingparts", "scenes", *_]:
            return "scenes"
        case ["src", *_]:
            return "mechanisms"
    return "text" if path.endswith(".md") else "other"


def lines(file: Path) -> int:
    """The lines that somebody wrote: of a notebook, those of its cells."""
    text = file.read_text("utf-8")
    if file.suffix != ".ipynb":
        return len(text.splitlines())
    return sum(
        len("".join(cell["source"]).splitlines()) for cell in json.loads(text)["cells"]
    )


def costs(root: Path, results: Path) -> dict[str, Cost]:
    """What the base and each chapter cost, by number."""
    owners = Owners(root)
    found = {number: Cost() for number in (*owners.chapters, BASE)}
    for path in tracked(root):
        if Path(path).suffix in WRITTEN:
            cost = found[owners.of_file(path) or BASE]
            cost.lines[kind(path)] += lines(root / path)
    for file in sorted(results.glob("*.xml")):
        report = junit.read_if_there(file)
        scale = report.wall / (sum(report.seconds.values()) or 1.0)
        for test, took in report.seconds.items():
            found[owners.of_case(test) or BASE].seconds += took * scale
    return found


def over(found: dict[str, Cost]) -> list[str]:
    """What is over its bar, a sentence each."""
    output = []
    for number, cost in found.items():
        what = BASE if number == BASE else "chapter"
        name = f"{what} {number}" if what == "chapter" else "the base"
        total, bar = cost.lines.total(), LINES.get(what)
        if bar is not None and total > bar:
            largest = " and ".join(
                f"{count:,} of {column}" for column, count in cost.lines.most_common(2)
            )
            why = f" {WHY[number]}" if number in WHY else ""
            lead = f"{name} is {total - bar:,} lines over its {bar:,}, with {largest}."
            output.append(f"{lead}{why}")
        if cost.seconds > SECONDS[what]:
            more = cost.seconds - SECONDS[what]
            output.append(f"{name} is {more:.0f} s over its {SECONDS[what]:.0f} s.")
    return [f"{line[0].upper()}{line[1:]}" for line in output]


def table(found: dict[str, Cost]) -> Iterable[str]:
    """A row for each chapter and for the base, and their sum."""
    yield "".join([f"{'':8}", *(f"{name:>12}" for name in (*KINDS, "lines", "s"))])
    whole = Cost()
    for number, cost in found.items():
        yield row(number, cost)
        whole.lines.update(cost.lines)
        whole.seconds += cost.seconds
    yield row("all", whole)


def row(name: str, cost: Cost) -> str:
    """One line of the table."""
    counts = [*(cost.lines[column] for column in KINDS), cost.lines.total()]
    return "".join(
        [f"{name:8}", *(f"{count:12,}" for count in counts), f"{cost.seconds:12.0f}"]
    )


def main() -> int:
    """Print the table and what is over; nothing fails for being over."""
    found = costs(ROOT, RESULTS)
    for line in (*table(found), "", *over(found)):
        print(line)
    if not any(cost.seconds for cost in found.values()):
        print("No seconds: make test has not run here.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
