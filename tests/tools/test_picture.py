"""The README's picture is what the code draws today."""

from tools.picture import PICTURE, picture


def test_the_picture_is_what_the_code_draws_today() -> None:
    """`python -m tools.picture` writes it anew; look at it before you commit it."""
    assert picture() + "\n" == PICTURE.read_text("utf-8")
