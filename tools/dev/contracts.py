"""Write the contracts of Larkhaven from its code (`python -m tools.dev.contracts`).

The files in src/movingparts/city/contracts are what contexts share, so a test fails
where they and the code differ: whoever changes a contract sees it in review.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from movingparts.city.docklink import docklink
from movingparts.city.larkhaven import CONTEXTS
from movingparts.published import named, schema
from movingparts.world import simulate

FOLDER = Path(__file__).resolve().parents[2] / "src/movingparts/city/contracts"


def events() -> dict[str, Any]:
    """Return the schema of each event that a context's contract has."""
    found = {}
    for context in CONTEXTS:
        contract = import_module(f"movingparts.city.{context}.contract")
        for said in contract.EVENTS:
            found[named(context, said)] = schema(context, said)
    return found


def apis() -> dict[str, Any]:
    """Return the OpenAPI document of each service, and of the vendor's."""
    factories = {**CONTEXTS, "docklink": docklink}

    async def scenario(world: Any) -> dict[str, Any]:
        return {name: f(world.node(name)).openapi() for name, f in factories.items()}

    found: dict[str, Any] = simulate(scenario, seed=1).result
    return found


def texts() -> dict[Path, str]:
    """Return each file's text, by its path below the folder of contracts."""
    return {
        Path(folder) / f"{name}.json": json.dumps(body, indent=2) + "\n"
        for folder, bodies in (("events", events()), ("apis", apis()))
        for name, body in sorted(bodies.items())
    }


def differing(folder: Path = FOLDER) -> list[str]:
    """Return the files that are not as the code has them, missing and surplus ones."""
    wanted = texts()
    there = {
        file.relative_to(folder)
        for part in ("events", "apis")
        for file in (folder / part).glob("*.json")
    }
    wrong = [
        path
        for path in {*wanted, *there}
        if path not in wanted
        or path not in there
        or (folder / path).read_text("utf-8") != wanted[path]
    ]
    return sorted(path.as_posix() for path in wrong)


def main() -> int:
    """Write what differs; 0 in any case, since then nothing does."""
    wrong = differing()
    wanted = texts()
    for name in wrong:
        file = FOLDER / name
        if Path(name) in wanted:
            file.write_text(wanted[Path(name)], "utf-8", newline="\n")
        else:
            file.unlink()
        print(name)
    print(f"contracts: {len(wrong)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
