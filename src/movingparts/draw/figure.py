"""A figure: an SVG that states its finding, with a table that says the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from movingparts.draw.ink import alone, escaped, printable

# JupyterLab cleans the HTML of notebooks it does not trust yet: it drops <style> and
# the tags of <svg>, and would leave the figure's words in a heap. So the drawing is
# hidden by an attribute and shown by the style; where the style goes, it stays hidden,
# and the note and the table remain.
SHOW = (
    "<style>.mp-figure{margin:0 0 1rem;padding:0}"
    ".mp-figure>.mp-art,moving-parts-player>.mp-art{display:block!important}"
    ".mp-figure>.mp-note,moving-parts-player>.mp-note{display:none}"
    ".mp-figure>.mp-title,moving-parts-player>.mp-title{margin:0 0 .5rem;padding:0;"
    "font:600 1rem/1.4 var(--mp-font-sign,sans-serif);text-align:left;color:inherit}"
    ".mp-text-table{font-size:.875rem;margin:.4rem 0 0;padding:0}"
    ".mp-scroll{overflow:auto;max-height:24rem}"
    ".mp-scroll :is(th,td){text-align:left;vertical-align:top;"
    "padding:.1rem .7rem .1rem 0}"
    "</style>"
)


@dataclass(frozen=True, slots=True)
class TextTable:
    """The table that says what a figure shows, for those who don't see it."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0

    def html(self) -> str:
        """Return the table behind a disclosure."""
        head = "".join(f'<th scope="col">{escaped(c)}</th>' for c in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        more = f"<p>{self.more()}</p>" if self.left_out else ""
        return (
            f'<details class="mp-text-table" slot="table">'
            f"<summary>{escaped(self.caption)}</summary>"
            f'<div class="mp-scroll" tabindex="0" role="group"'
            f' aria-label="Table"><table class="mp-table"><thead><tr>{head}</tr>'
            f"</thead><tbody>{body}</tbody></table></div>{more}</details>"
        )

    def more(self) -> str:
        """Return how many rows are left out."""
        noun = "row is" if self.left_out == 1 else "rows are"
        return f"{self.left_out:,} more {noun} not listed."


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as SVG text, with the title that states what it shows.

    It shows itself in notebooks and pages, with its table behind a disclosure.

    >>> from movingparts.draw import sequence
    >>> from movingparts.core.recording import Recording
    >>> sequence(Recording(world="simulated"))
    <Figure sequence: No messages were sent>
    """

    kind: str
    title: str
    description: str
    svg: str
    table: TextTable
    narrow: str = ""  # the drawing for a phone, where it has another layout

    def html(self) -> str:
        """Return what a page shows: the drawing and its table."""
        return (
            f'<figure class="mp-figure mp-{self.kind}"><figcaption class="mp-title">'
            f"{escaped(self.title)}</figcaption>{art(self.svg + self.narrow)}"
            f"{self.table.html()}</figure>"
        )

    def save(self, path: str | Path) -> Path:
        """Write the SVG to a file and return its path."""
        path = Path(path)
        path.write_text(alone(self.svg), encoding="utf-8", newline="\n")
        return path

    def _repr_html_(self) -> str:
        # And no _repr_svg_: a notebook would then hold every drawing twice.
        return self.html()

    def __repr__(self) -> str:
        return f"<Figure {self.kind}: {printable(self.title)}>"


def art(svg: str) -> str:
    """Return the drawing as HTML that stays tidy where a notebook is not trusted."""
    return (
        f'{SHOW}<div class="mp-art" slot="art" hidden>{svg}</div>'
        '<p class="mp-note" slot="note">Run this cell to draw the figure.</p>'
    )
