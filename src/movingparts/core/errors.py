"""What can go wrong with a world itself, rather than with a service in it."""


class WorldError(RuntimeError):
    """A world cannot do what it was asked; the message says what to do instead."""


class ScenarioStuck(WorldError):
    """Nothing can happen any more, and the scenario has not ended."""


class ServeError(WorldError):
    """A service cannot be started as it was given."""


class TooManyMessages(WorldError):
    """A run was stopped at the limit on messages that it was given."""
