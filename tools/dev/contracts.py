"""Write the contracts of Larkhaven from its code (`python -m tools.dev.contracts`).

The schemas in src/movingparts/city/contracts/events are what contexts share, so a test
fails if they and the code differ: a change is then seen in review.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from movingparts.city.larkhaven import CONTEXTS
from movingparts.published_language import named, schema

FOLDER = Path(__file__).resolve().parents[2] / "src/movingparts/city/contracts/events"


def events() -> dict[str, Any]:
    """Return the schema of each event that a context's contract has."""
    found = {}
    for context in CONTEXTS:
        contract = import_module(f"movingparts.city.{context}.contract")
        for text in contract.EVENTS:
            found[named(context, text)] = schema(context, text)
    return found


def texts() -> dict[str, str]:
    """Return each file's text, by its name."""
    return {
        f"{name}.json": json.dumps(body, indent=2) + "\n"
        for name, body in sorted(events().items())
    }


def differing(folder: Path = FOLDER) -> list[str]:
    """Return the files that are not as the code has them, missing and surplus ones."""
    wanted = texts()
    there = {file.name: file.read_text("utf-8") for file in folder.glob("*.json")}
    names = sorted({*wanted, *there})
    return [name for name in names if wanted.get(name) != there.get(name)]


def main() -> int:
    """Write what differs; 0 in any case, since then nothing does."""
    wrong = differing()
    wanted = texts()
    for name in wrong:
        file = FOLDER / name
        if name in wanted:
            file.write_text(wanted[name], "utf-8", newline="\n")
        else:
            file.unlink()
        print(name)
    print(f"contracts: {len(wrong)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
