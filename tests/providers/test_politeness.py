"""Turns at a host: how many at once, how soon after each other, and who is next."""

import asyncio
from contextlib import suppress

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.providers.servers import FixedClock, serving

from wiseflow.core.asking import FetchRequest
from wiseflow.core.errors import BadRequest
from wiseflow.providers.network import Network
from wiseflow.providers.pages import PageFetcher
from wiseflow.providers.politeness import LONGEST_DELAY_S, HostTurns, Manners

HOST = "a.example"


async def settle():
    """Let everybody go as far as they can."""
    for _ in range(50):
        await asyncio.sleep(0)


class Visit:
    """Wants a turn, holds it until told to end, and leaves a trace."""

    def __init__(self, turns, owner="", host=HOST, delay_s=0.0, begun=None):
        self.owner = owner
        self.over = asyncio.Event()
        self.begun = begun if begun is not None else []
        self.task = asyncio.create_task(self._run(turns, host, delay_s))

    async def _run(self, turns, host, delay_s):
        async with turns.turn(host, owner=self.owner, delay_s=delay_s):
            self.begun.append(self)
            await self.over.wait()


async def ended(visits):
    for visit in visits:
        visit.over.set()
    async with asyncio.timeout(10):
        for visit in visits:
            await visit.task


async def test_only_so_many_are_at_a_host_at_once():
    turns, begun = HostTurns(Manners(connections=2), FixedClock()), []
    visits = [Visit(turns, begun=begun) for _ in range(5)]
    elsewhere = Visit(turns, host="b.example")
    await settle()
    assert begun == visits[:2]
    assert elsewhere.begun

    visits[0].over.set()
    await settle()

    assert begun == visits[:3]
    await ended([*visits, elsewhere])


async def test_researches_take_turns_at_a_host():
    turns, begun = HostTurns(Manners(connections=1), FixedClock()), []
    many = [Visit(turns, "many", begun=begun) for _ in range(6)]
    few = [Visit(turns, "few", begun=begun) for _ in range(2)]
    await settle()
    await ended([*many, *few])

    order = [visit.owner for visit in begun]
    assert order.index("few") <= 2
    assert order[:5].count("few") == 2


async def test_requests_to_a_host_keep_their_distance():
    clock, times = FixedClock(0.0), []
    turns = HostTurns(Manners(gap_s=2.0), clock)
    for _ in range(4):
        async with turns.turn(HOST, owner="", delay_s=0.0):
            times.append(clock.at)

    assert times == [0.0, 2.0, 4.0, 6.0]


async def test_a_host_is_given_the_delay_that_it_asks_for_up_to_a_bound():
    clock, times = FixedClock(0.0), []
    turns = HostTurns(Manners(gap_s=1.0), clock)
    for _ in range(3):
        async with turns.turn(HOST, owner="", delay_s=3_600.0):
            times.append(clock.at)

    assert times == [0.0, LONGEST_DELAY_S, 2 * LONGEST_DELAY_S]


async def test_nobody_waits_for_ever():
    turns = HostTurns(Manners(connections=1, longest_wait_s=0.05), FixedClock())
    first = Visit(turns)
    await settle()

    with pytest.raises(BadRequest, match=r"no turn within 0\.05 s.*FETCH_HOST_CONNECTIONS"):
        async with turns.turn(HOST, owner="", delay_s=0.0):
            pass

    await ended([first])
    async with turns.turn(HOST, owner="", delay_s=0.0):
        pass  # the one that gave up left its place free


async def test_a_queue_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr("wiseflow.providers.politeness.MOST_WAITING", 3)
    turns = HostTurns(Manners(connections=1), FixedClock())
    visits = [Visit(turns) for _ in range(4)]
    await settle()

    with pytest.raises(BadRequest, match="before the 3 others"):
        async with turns.turn(HOST, owner="", delay_s=0.0):
            pass

    await ended(visits)


@settings(max_examples=60, deadline=None)
@given(
    moves=st.lists(st.tuples(st.sampled_from(["come", "end", "cancel"]), st.integers(0, 30))),
    connections=st.integers(1, 3),
)
def test_no_place_is_ever_lost_or_given_twice(moves, connections):
    async def walk():
        turns, begun = HostTurns(Manners(connections=connections), FixedClock()), []
        visits = []
        for move, number in moves:
            if move == "come":
                visits.append(Visit(turns, f"r{number % 3}", begun=begun))
            elif visits and move == "end":
                visits[number % len(visits)].over.set()
            elif visits:
                visits[number % len(visits)].task.cancel()
            if number % 2:
                await settle()
            inside = [one for one in begun if not one.task.done()]
            assert len(inside) <= connections
        await settle()
        inside = [one for one in begun if not one.task.done()]
        waiting = [one for one in visits if one not in begun and not one.task.done()]
        assert len(inside) == connections or not waiting
        for visit in visits:
            visit.over.set()
        async with asyncio.timeout(10):
            if visits:
                await asyncio.wait([one.task for one in visits])

    asyncio.run(walk())


async def most_at_once(robots, pages=12, **network):
    """The most requests for pages at once that a host saw, at the defaults."""
    inside, most, all_there = 0, 0, asyncio.Event()

    async def handler(request):
        nonlocal inside, most
        if request.path == "/robots.txt":
            return web.Response(text=robots)
        inside += 1
        most = max(most, inside)
        if inside == pages:
            all_there.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await all_there.wait()
        inside -= 1
        return web.Response(text="a page")

    async def look_up(host, port):
        return ["127.0.0.1"]

    async with serving(handler) as server:
        given = {name: value.format(base=server.base) for name, value in network.items()}
        opened = Network(allowed_networks=("127.0.0.0/8",), **given)
        fetcher = PageFetcher(opened, look_up=look_up, clock=FixedClock())
        async with asyncio.TaskGroup() as group:
            for number in range(pages):
                url = f"http://host.example:{server.port}/{number}"
                group.create_task(fetcher.fetch(FetchRequest(url=url)))
        await fetcher.aclose()
    return most


async def test_hosts_in_opened_networks_are_not_slowed():
    assert await most_at_once("User-agent: *\nCrawl-delay: 9\n") == 12


async def test_other_hosts_are_asked_for_few_pages_at_once():
    # Behind a proxy nobody knows in which network a host is.
    assert 1 < await most_at_once("", proxy="{base}") <= Manners().connections
