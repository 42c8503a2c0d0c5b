"""Sources of functions, as they are deployed: each knows the standard library alone."""

from pathlib import Path

HERE = Path(__file__).parent
FARES, RECEIPTS = HERE / "fares.py", HERE / "receipts.py"
