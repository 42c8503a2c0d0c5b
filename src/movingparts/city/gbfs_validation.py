"""Validates a GBFS feed by the official schemas, wherever an HTTP client reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
from gbfs_validator import GBFS
from gbfs_validator.constants.error_ids import AppError
from gbfs_validator.fetch import FetchError

from movingparts.city.gbfs import VERSION


async def feed_errors(
    client: httpx.AsyncClient, url: str, *, version: str = VERSION
) -> list[str]:
    """Return what is wrong with the feed whose `gbfs.json` has this address.

    An empty list says that the feed is valid: it can be reached, it has the files of
    a city with stations and with vehicles, each file that it lists is there, and all
    follow their schemas. Works without a socket too: `client` may be a world's.

    Source: PyPI's gbfs-validator. On its own, that package finds no error in a feed
    that it can't reach, nor in a listed file that is not there and need not be.
    Leaves out: what no schema says, such as whether a bike's station exists.
    """
    fetched: dict[str, Any] = {}
    while True:
        files = _Files(fetched)
        try:
            report = GBFS(url, True, True, version, fetcher=files).validation()
        except AppError as error:  # a list where it looks for an object, or the reverse
            return [f"{url}: {error}"]
        if not files.unknown:
            break
        for each in files.unknown:
            fetched[each] = await _document(client, each)
    gone = [f"{each}: no file" for each in fetched if fetched[each] is None]
    if not report["summary"].get("version"):
        return gone or [f"{url}: not a GBFS feed"]
    return gone + [error for file in report["files"] for error in _errors(file)]


class _Files:
    """The files that the validator asks for, and those that must be fetched first."""

    auth = None

    def __init__(self, fetched: dict[str, Any]) -> None:
        self._fetched = fetched
        self.unknown: dict[str, None] = {}

    def prime_oauth(self) -> None:
        """Do nothing: a public feed asks for no token."""

    def get_json(self, url: str) -> Any:
        """Return a file; raise `FetchError` if it isn't there, or not yet."""
        if url not in self._fetched:
            self.unknown[url] = None
        document = self._fetched.get(url)
        if document is None:
            raise FetchError(url, "not there")
        return document


async def _document(client: httpx.AsyncClient, url: str) -> Any:
    """Return a file's JSON, or None if there is none."""
    try:
        reply = await client.get(url)
        return reply.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None


def _errors(file: dict[str, Any]) -> Iterator[str]:
    if file["required"] and not file["exists"]:
        yield f"{file['file']}: required, but not there"
    for part in file.get("languages", [file]):  # gbfs.json alone is not in a list
        for error in part["errors"] or []:
            yield f"{file['file']}: {error['instancePath']} {error['message']}"
