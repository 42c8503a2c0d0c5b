"""Print the table of ratios, or measure what pages show (`--measure`)."""

import importlib
import sys

from bench.table import Row, show

PARTS = (
    *("world", "bus", "promises", "recoveries", "store", "eventstore", "peak"),
    *("function", "city", "gateway", "mesh", "local", "temporal"),
    *("player", "book", "browser"),
)


def main() -> int:
    """Run the parts named, or all; 0 when every aim is met."""
    if "--measure" in sys.argv:
        code: int = importlib.import_module("bench.measure").main()
        return code
    named = [part for part in sys.argv[1:] if not part.startswith("-")] or PARTS
    found: list[Row] = []
    for part in named:
        print(f"measuring: {part}", flush=True)
        found += importlib.import_module(f"bench.{part}").rows()
    show(found)
    return 1 if any(row.met == "NO" for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
