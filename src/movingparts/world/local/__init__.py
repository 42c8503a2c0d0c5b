"""The world on this machine: services on sockets, a NATS server, real time."""

try:
    from movingparts.world.local.world import LocalService, LocalWorld
except ModuleNotFoundError as error:
    if error.name not in {"nats", "uvicorn"}:
        raise
    raise ModuleNotFoundError(
        f"a local world needs {error.name}, which is not installed here. Install it"
        " with: python -m pip install 'movingparts[local]'",
        name=error.name,
    ) from None

__all__ = ["LocalService", "LocalWorld"]
