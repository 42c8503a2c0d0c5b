"""Write the golden files again; then look at each of them before it is committed."""

from tests.draw.test_contexts import drawn
from tests.draw.test_sequence import FIGURES, GOLDEN

if __name__ == "__main__":
    for name in ("calls", "map of calls"):
        FIGURES[name]().save(GOLDEN / f"{name.replace(' ', '-')}.svg")
    drawn().save(GOLDEN / "context-map.svg")
