"""Connections that are kept one by one."""

import asyncio

import httpx2
import pytest

from wiseflow.providers.spread import SpreadTransport


class Connection(httpx2.AsyncBaseTransport):
    """Answers at once, and knows whether two use it at the same time."""

    def __init__(self, *, breaks: bool = False):
        self.requests = 0
        self.in_use = False
        self.closed = False
        self.breaks = breaks

    async def handle_async_request(self, request):
        assert not self.in_use
        assert not self.closed
        if self.breaks:
            raise httpx2.ConnectError("no", request=request)
        self.in_use = True
        self.requests += 1
        return httpx2.Response(200, stream=Stream(self))

    async def aclose(self):
        self.closed = True


class Stream(httpx2.AsyncByteStream):
    def __init__(self, connection):
        self._connection = connection

    async def __aiter__(self):
        yield b"body"

    async def aclose(self):
        self._connection.in_use = False


class World:
    """A transport, the connections it made, and its clock."""

    def __init__(self, most=3, keepalive_s=10.0):
        self.made: list[Connection] = []
        self.now = 0.0
        self.breaks = False
        self.transport = SpreadTransport(
            self._new, most=most, keepalive_s=keepalive_s, now=lambda: self.now
        )

    def _new(self):
        self.made.append(Connection(breaks=self.breaks))
        return self.made[-1]

    async def ask(self, url="http://a/", pool_s=None):
        request = httpx2.Request("GET", url, extensions={"timeout": {"pool": pool_s}})
        return await self.transport.handle_async_request(request)

    async def asked(self, url="http://a/"):
        response = await self.ask(url)
        await response.aread()
        await response.aclose()


@pytest.fixture
def world():
    return World()


async def test_an_idle_connection_to_the_same_origin_is_used_again(world):
    await world.asked("http://a/1")
    await world.asked("http://a/2")
    await world.asked("http://b/1")

    assert [one.requests for one in world.made] == [2, 1]


async def test_a_connection_is_nobody_elses_until_its_answer_is_closed(world):
    first = await world.ask()
    second = await world.ask()
    await first.aclose()
    await second.aclose()

    await world.asked()

    assert [one.requests for one in world.made] == [1, 2]


async def test_more_requests_than_connections_wait_as_long_as_they_may(world):
    held = [await world.ask() for _ in range(3)]

    with pytest.raises(httpx2.PoolTimeout):
        await world.ask(pool_s=0.01)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(world.ask())
        await held[0].aclose()

    assert waiting.result().status_code == 200
    assert len(world.made) == 3


async def test_what_was_idle_too_long_is_closed(world):
    held = [await world.ask() for _ in range(2)]
    for one in held:
        await one.aclose()
    world.now = 11.0

    await world.asked()

    assert [one.closed for one in world.made] == [True, False]


async def test_no_more_idle_connections_are_kept_than_may_be_used(world):
    for number in range(5):
        await world.asked(f"http://host{number}/")

    assert [one.closed for one in world.made] == [True, True, False, False, False]


async def test_a_failed_request_leaves_its_place_to_the_next(world):
    world.breaks = True
    for _ in range(5):
        with pytest.raises(httpx2.ConnectError):
            await world.ask()

    assert len(world.made) == 1


async def test_closing_an_answer_twice_frees_its_place_once(world):
    response = await world.ask()
    await response.aclose()
    await response.aclose()

    held = [await world.ask() for _ in range(3)]

    with pytest.raises(httpx2.PoolTimeout):
        await world.ask(pool_s=0.01)
    assert len(held) == 3


async def test_closing_waits_for_nobody_and_leaves_nothing_open(world):
    await world.asked("http://b/")
    held = await world.ask()

    await world.transport.aclose()
    closed = [one.closed for one in world.made]
    await held.aclose()

    assert closed == [True, False]
    assert all(one.closed for one in world.made)
