"""The light transport: what it sends, what it keeps open, and what it raises."""

import asyncio
import socket
from contextlib import asynccontextmanager

import httpx
import pytest

from movingparts.scenes.ch12.connections import Connections

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@asynccontextmanager
async def server(*answers):
    """Answer each request with the next of these bytes; None is silence.

    Yields a client, the address, and the requests as they came, each with the number
    of its connection.
    """
    came, left, handling = [], list(answers), []

    async def handle(reader, writer):
        handling.append(asyncio.current_task())
        number = len(handling)
        while head := await reader.readline():
            rest = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(rest.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
            body = await reader.readexactly(size)
            came.append((head.split(b" HTTP")[0] + body, number))
            answer = left.pop(0)
            if answer is None:
                continue
            writer.write(answer)
            if b"content-length" not in answer:
                break
        writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(transport=Connections()) as client:
            yield client, f"http://127.0.0.1:{port}", came
    finally:
        listening.close()
        await asyncio.gather(*handling)


def run(*answers):
    """Return a decorator that runs a test's body against such a server."""

    def decorate(body):
        async def main():
            async with server(*answers) as (client, url, came):
                await body(client, url, came)

        asyncio.run(main())

    return decorate


def test_requests_one_after_the_other_share_a_connection():
    @run(OK, OK)
    async def body(client, url, came):
        first = await client.post(f"{url}/a?b=%20", content=b"twelve bytes")
        second = await client.get(url)
        assert [(200, "hi")] * 2 == [(r.status_code, r.text) for r in (first, second)]
        assert [b"POST /a?b=%20twelve bytes", b"GET /"] == [each for each, _ in came]
        assert 1 == len({connection for _, connection in came})


def test_requests_at_once_do_not():
    @run(OK, OK)
    async def body(client, url, came):
        await asyncio.gather(client.get(url), client.get(url))
        assert 2 == len({connection for _, connection in came})


def test_a_connection_that_the_server_closed_is_not_used_again():
    @run(b"HTTP/1.1 200 OK\r\n\r\nhi", OK)
    async def body(client, url, came):
        assert ["hi", "hi"] == [(await client.get(url)).text for _ in range(2)]
        assert 2 == len({connection for _, connection in came})


def test_an_answer_before_the_answer_is_passed_over():
    @run(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
    async def body(client, url, came):
        assert 200 == (await client.get(url)).status_code


def test_no_answer_in_time_is_a_read_timeout():
    @run(None)
    async def body(client, url, came):
        with pytest.raises(httpx.ReadTimeout):
            await client.get(url, timeout=0.01)


def test_an_answer_that_ends_early_is_a_protocol_error():
    @run(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi")
    async def body(client, url, came):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(url)


def test_what_is_not_http_is_a_protocol_error():
    @run(b"hello\r\n\r\n")
    async def body(client, url, came):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(url)


def test_a_connection_that_cannot_be_made_says_why():
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"

        @run()
        async def body(client, _, came):
            with pytest.raises(httpx.ConnectError):
                await client.get(url)
            with pytest.raises(httpx.ConnectTimeout):
                await client.get(url, timeout=0)
