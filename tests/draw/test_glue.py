"""Values for a page's text are left as MyST-NB leaves them."""

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from movingparts.draw.glue import glue


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What a notebook's cell shows."""
    shell = InteractiveShell.instance()
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    yield publisher.outputs
    InteractiveShell.clear_instance()


@pytest.mark.slow
@pytest.mark.parametrize("value", [3, 0.25, "words", [1, 2]])
def test_a_value_is_kept_as_myst_nb_keeps_it(
    value: object, outputs: list[dict[str, Any]]
) -> None:
    from myst_nb import glue as theirs

    glue("name", value)
    theirs("name", value, display=False)
    ours, other = outputs
    assert other == ours


def test_outside_a_notebook_nothing_happens(capsys: pytest.CaptureFixture[str]) -> None:
    glue("name", 3)
    assert ("", "") == tuple(capsys.readouterr())
