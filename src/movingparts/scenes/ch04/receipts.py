"""What a handler raises whose time is up, in exercise 4.2."""


class TooLate(Exception):
    """Nobody waits for the answer any more, or won't by the time it is there."""
