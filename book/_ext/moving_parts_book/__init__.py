"""The book's Sphinx extension: its directives, its cover, its own addresses."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from . import (
    chapter,
    city_picture,
    exercise_card,
    formulas,
    knobs,
    labs,
    markup,
    plan,
    progress,
    questions,
    site,
    terms,
)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register every part with Sphinx."""
    for part in (
        markup,
        questions,
        exercise_card,
        city_picture,
        plan,
        chapter,
        progress,
        formulas,
        knobs,
        labs,
        terms,
        site,
    ):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
