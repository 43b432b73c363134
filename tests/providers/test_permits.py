"""What hosts let be fetched: their robots.txt over real HTTP, asked once and heeded."""

import asyncio
import gzip

import pytest
from aiohttp import web
from tests.providers.servers import FixedClock, serving

from wiseflow.core.asking import FetchRequest
from wiseflow.core.errors import AddressForbidden, BadRequest
from wiseflow.providers.network import Network
from wiseflow.providers.pages import PageFetcher, PageLimits
from wiseflow.providers.permits import KEPT_S, UNREACHABLE_S
from wiseflow.providers.politeness import Manners
from wiseflow.providers.robots import MOST_BYTES

HERE = ("127.0.0.1/32",)
DAY_S = 86_400


@pytest.fixture
async def make_fetcher():
    made = []

    def make(**others):
        others.setdefault("clock", FixedClock())
        others.setdefault("network", Network(allowed_networks=HERE))
        made.append(PageFetcher(**others))
        return made[-1]

    yield make
    for fetcher in made:
        await fetcher.aclose()


class Host:
    """A host with a robots.txt that tests change, and pages that are all alike."""

    def __init__(self, robots: str | bytes = "", status: int = 200, **headers: str):
        self.robots = robots.encode() if isinstance(robots, str) else robots
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.failing = 0
        self.moved: dict[str, str] = {}

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[request.path]})
        if request.path != "/robots.txt":
            return web.Response(text="a page", content_type="text/html")
        if self.failing:
            self.failing -= 1
            return web.Response(status=503)
        return web.Response(body=self.robots, status=self.status, headers=self.headers)


async def fetched(fetcher, url):
    reply = await fetcher.fetch(FetchRequest(url=url))
    return reply.value.body.decode()


def paths(server):
    return [request.path for request in server.asked]


async def test_what_a_host_forbids_is_not_fetched_and_it_is_asked_once(make_fetcher):
    host = Host("User-agent: WiseFlow\nDisallow: /private/\n")
    async with serving(host) as server:
        fetcher = make_fetcher()
        assert await fetched(fetcher, f"{server.base}/a") == "a page"
        for page in ("/private/a", "/privat%65/b?c"):
            with pytest.raises(BadRequest, match=r"robots\.txt of 127.* FETCH_ROBOTS=false"):
                await fetched(fetcher, server.base + page)

    assert paths(server) == ["/robots.txt", "/a"]


async def test_it_may_be_left_unread(make_fetcher):
    async with serving(Host("User-agent: *\nDisallow: /\n")) as server:
        fetcher = make_fetcher(manners=Manners(robots=False))
        assert await fetched(fetcher, f"{server.base}/a") == "a page"

    assert paths(server) == ["/a"]


async def test_pages_wanted_at_once_wait_for_one_request(make_fetcher):
    async with serving(Host("User-agent: *\nDisallow: /b\n")) as server:
        fetcher = make_fetcher()
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(fetched(fetcher, f"{server.base}/a{number}"))

    assert paths(server).count("/robots.txt") == 1
    assert len(server.asked) == 21


async def test_when_who_asks_is_cancelled_the_next_one_asks(make_fetcher):
    asked, answer = asyncio.Event(), asyncio.Event()
    host = Host("User-agent: *\nDisallow: /b\n")

    async def slowly(request):
        asked.set()
        await answer.wait()
        return await host(request)

    async with serving(slowly) as server:
        fetcher = make_fetcher()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(fetched(fetcher, f"{server.base}/a"))
            await asked.wait()
            second = group.create_task(fetched(fetcher, f"{server.base}/c"))
            await asyncio.sleep(0)
            first.cancel()
            answer.set()
        assert second.result() == "a page"


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451, 300])
async def test_a_host_without_one_forbids_nothing(make_fetcher, status):
    async with serving(Host("User-agent: *\nDisallow: /\n", status=status)) as server:
        assert await fetched(make_fetcher(), f"{server.base}/a") == "a page"


async def test_a_host_that_cannot_say_is_left_alone_for_a_while(make_fetcher):
    clock, host = FixedClock(), Host()
    async with serving(host) as server:
        host.failing = 100
        fetcher = make_fetcher(clock=clock)
        for _ in range(3):
            with pytest.raises(BadRequest, match=r"cannot be read.*HTTP 503"):
                await fetched(fetcher, f"{server.base}/a")
        assert paths(server) == ["/robots.txt"] * 3  # three tries, and then none for a while
        host.failing = 0
        clock.at += UNREACHABLE_S + 1
        assert await fetched(fetcher, f"{server.base}/a") == "a page"


async def test_a_host_that_stumbles_once_is_asked_again(make_fetcher):
    host = Host("User-agent: *\nDisallow: /b\n")
    async with serving(host) as server:
        host.failing = 2
        assert await fetched(make_fetcher(), f"{server.base}/a") == "a page"


async def test_nobody_there_is_told_with_its_reason(make_fetcher):
    with pytest.raises(BadRequest, match=r"robots\.txt of 127\.0\.0\.1:9.*takes no connection"):
        await fetched(make_fetcher(), "http://127.0.0.1:9/a")


async def test_rules_are_asked_for_again_after_a_day_and_hold_on_when_they_cannot_be(make_fetcher):
    clock, host = FixedClock(), Host("User-agent: *\nDisallow: /b\n")
    async with serving(host) as server:
        fetcher = make_fetcher(clock=clock)
        await fetched(fetcher, f"{server.base}/a")
        host.failing = 3
        clock.at += KEPT_S + 1
        assert await fetched(fetcher, f"{server.base}/a") == "a page"
        with pytest.raises(BadRequest):
            await fetched(fetcher, f"{server.base}/b")
        host.robots = b""
        clock.at += UNREACHABLE_S + 1
        assert await fetched(fetcher, f"{server.base}/b") == "a page"


async def test_it_may_lie_elsewhere(make_fetcher):
    host = Host("User-agent: *\nDisallow: /b\n")
    async with serving(host) as server, serving(host) as other:
        host.moved = {"/robots.txt": f"{other.base}/there.txt"}

        async def there(request):
            return web.Response(text="User-agent: *\nDisallow: /b\n")

        async with serving(there) as rules:
            host.moved["/robots.txt"] = f"{rules.base}/x"
            with pytest.raises(BadRequest, match=r"robots\.txt"):
                await fetched(make_fetcher(), f"{server.base}/b")


async def test_one_that_leads_round_in_circles_forbids_nothing(make_fetcher):
    host = Host()
    host.moved = {"/robots.txt": "/robots.txt"}
    async with serving(host) as server:
        assert await fetched(make_fetcher(), f"{server.base}/a") == "a page"


async def test_one_that_leads_behind_our_walls_is_not_followed(make_fetcher):
    host = Host()
    host.moved = {"/robots.txt": "http://169.254.169.254/latest"}
    async with serving(host) as server:
        with pytest.raises(BadRequest, match=r"leads elsewhere.*169\.254\.169\.254"):
            await fetched(make_fetcher(), f"{server.base}/a")


async def test_of_a_host_behind_our_walls_not_even_its_rules_are_asked_for(make_fetcher):
    async with serving(Host()) as server:
        with pytest.raises(AddressForbidden, match="FETCH_ALLOWED_NETWORKS"):
            await fetched(make_fetcher(network=Network()), f"{server.base}/a")

    assert server.asked == []


async def test_the_rules_of_a_host_that_a_page_leads_to_are_heeded(make_fetcher):
    host, other = Host(), Host("User-agent: *\nDisallow: /\n")
    async with serving(host) as server, serving(other) as forbidding:
        host.moved = {"/a": f"{forbidding.base}/b"}
        with pytest.raises(BadRequest, match=rf"robots\.txt of 127\.0\.0\.1:{forbidding.port}"):
            await fetched(make_fetcher(), f"{server.base}/a")

    assert paths(forbidding) == ["/robots.txt"]


async def test_a_large_one_is_read_up_to_its_bound(make_fetcher):
    lines = b"User-agent: *\nDisallow: /a\n" + b"# filler\n" * (MOST_BYTES // 9)
    packed = gzip.compress(lines + b"Disallow: /b\n" + bytes(50_000_000))
    host = Host(packed, Content_Encoding="gzip")
    async with serving(host) as server:
        fetcher = make_fetcher()
        assert await fetched(fetcher, f"{server.base}/b") == "a page"
        with pytest.raises(BadRequest):
            await fetched(fetcher, f"{server.base}/a")


async def test_a_host_that_never_says_costs_a_bounded_time(make_fetcher):
    over = asyncio.Event()

    async def silent(request):
        await over.wait()
        return web.Response()

    async with serving(silent) as server:
        fetcher = make_fetcher(limits=PageLimits(total_s=0.1))
        with pytest.raises(BadRequest, match=r"did not come within 0\.1 s"):
            await fetched(fetcher, f"{server.base}/a")
        over.set()


async def test_only_so_many_hosts_are_remembered(make_fetcher, monkeypatch):
    monkeypatch.setattr("wiseflow.providers.permits.MOST_RULES", 2)
    host = Host("User-agent: *\nDisallow: /b\nDisallow: /c\n")
    async with serving(host) as one, serving(host) as other:
        fetcher = make_fetcher()
        for server in (one, one, other, other, one):
            await fetched(fetcher, f"{server.base}/a")

    assert paths(one).count("/robots.txt") == 2
    assert paths(other).count("/robots.txt") == 1
