"""What a lab loads in a browser tab when a cell imports it, and not before."""

from pathlib import Path
from typing import Any

import pytest

from tests.pyodide import node
from tools.browser import pyodide

pytestmark = pytest.mark.slow

CELL = """
import dataclasses
from sqlalchemy import Column, Integer, String, Table, create_engine
from sqlalchemy.orm import Session, registry
from sqlalchemy.orm.exc import StaleDataError

@dataclasses.dataclass
class Dock:
    name: str
    bikes: int

mapper = registry()
columns = (Column("bikes", Integer), Column("version", Integer, nullable=False))
key = Column("name", String, primary_key=True)
docks = Table("docks", mapper.metadata, key, *columns)
mapper.map_imperatively(Dock, docks, version_id_col=docks.c.version)
engine = create_engine("sqlite:////tmp/docks.db")
mapper.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Dock("Harbor", 1))
    session.commit()

ann, ben = Session(engine), Session(engine)
for session in (ann, ben):
    session.get(Dock, "Harbor").bikes -= 1
ann.commit()
try:
    ben.commit()
except StaleDataError:
    said = "somebody was faster"
said
"""


@pytest.fixture(scope="module")
def reported(kit: Path) -> dict[str, Any]:
    """What a lab's kernel has before and after the cell, and what came of it."""
    found: dict[str, Any] = node.lab_cells(kit, [CELL])
    return found


def test_it_comes_with_the_first_cell_that_imports_it(reported: dict[str, Any]) -> None:
    """A lab that does without it does not wait for it."""
    assert set() == set(pyodide.ASKED_FOR) & set(reported["before"])
    assert {"sqlalchemy"} == set(reported["after"]) - set(reported["before"])


def test_sqlalchemy_keeps_versions_in_a_tab(reported: dict[str, Any]) -> None:
    """An aggregate mapped imperatively, on the SQLite of the tab, without greenlet."""
    assert [["ok", "'somebody was faster'"]] == reported["cells"]
