"""Values of a run in the text of a page, so that no number is typed into prose."""

from IPython import get_ipython
from IPython.display import display

_PREFIX = "application/papermill.record/"


def glue(name: str, value: object) -> None:
    """Keep a value for the page's text, where a role with this name shows it.

    It does what `myst_nb.glue(name, value, display=False)` does, whose import takes
    three seconds. Outside a notebook there is no page, and nothing is kept.

    Source: MyST-NB, "Embed outputs as variables".
    """
    shell = get_ipython()
    if shell is None:
        return
    data, metadata = shell.display_formatter.format(value)
    metadata["scrapbook"] = {"name": name, "mime_prefix": _PREFIX}
    display(  # type: ignore[no-untyped-call]  # IPython has no types
        {f"{_PREFIX}{kind}": text for kind, text in data.items()},
        raw=True,
        metadata=metadata,
    )
