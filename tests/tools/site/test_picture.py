"""The README's picture is what the code draws today."""

from tools.site.picture import PICTURE, picture


def test_the_picture_is_what_the_code_draws_today() -> None:
    """`python -m tools.site.picture` writes it again; look at it before you commit."""
    assert picture() + "\n" == PICTURE.read_text("utf-8")
