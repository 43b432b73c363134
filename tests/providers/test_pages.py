"""Fetching pages: what is given, what is refused, and what is bounded."""

import asyncio
import gzip
import logging
import socket
import time
import tracemalloc
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from tests.providers.servers import serving, speaking

from wiseflow.core.asking import FetchRequest
from wiseflow.core.errors import (
    AddressForbidden,
    BadRequest,
    CallTimeout,
    ConnectionRefused,
    MalformedOutput,
    NetworkFailed,
    ProviderDown,
    RateLimited,
)
from wiseflow.engine.downloads import Downloads
from wiseflow.providers.network import Network
from wiseflow.providers.pages import PageFetcher, PageLimits
from wiseflow.providers.politeness import Manners

HERE = ("127.0.0.0/8", "::1/128")
TEXT = b"<p>Tides rise and fall.</p>"


@pytest.fixture
async def make_fetcher():
    """Makes a fetcher to which this machine is open and every robots.txt unread, and closes it."""
    made = []

    def make(network=None, **others):
        others.setdefault("manners", Manners(robots=False))
        made.append(PageFetcher(network or Network(allowed_networks=HERE), **others))
        return made[-1]

    yield make
    for fetcher in made:
        await fetcher.aclose()


def giving(body=TEXT, status=200, **headers):
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    told.setdefault("Content-Type", "text/html; charset=UTF-8")

    async def handler(request):
        return web.Response(body=body, status=status, headers=told)

    return handler


async def fetched(fetcher, url, max_bytes=1_000_000):
    return await fetcher.fetch(FetchRequest(url=url, max_bytes=max_bytes))


async def test_a_page_is_given_with_what_is_told_of_it(make_fetcher):
    async with serving(giving()) as server:
        reply = await fetched(make_fetcher(), f"{server.base}/a?b=c#d")

    assert reply.value.body == TEXT
    assert reply.value.content_type == "text/html"
    assert reply.value.charset == "utf-8"
    assert reply.value.url == f"{server.base}/a?b=c"
    assert reply.usage.bytes == len(TEXT)
    assert server.asked[0].headers["User-Agent"].startswith("WiseFlow/")
    assert server.asked[0].headers["Host"] == f"127.0.0.1:{server.port}"
    assert "Cookie" not in server.asked[0].headers


async def test_cookies_of_one_page_are_not_sent_to_the_next(make_fetcher):
    async with serving(giving(Set_Cookie="a=b; Path=/")) as server:
        fetcher = make_fetcher()
        await fetched(fetcher, server.base)
        await fetched(fetcher, server.base)

    assert "Cookie" not in server.asked[1].headers


async def test_redirects_are_followed_to_where_they_end(make_fetcher):
    async def handler(request):
        left = int(request.query.get("left", "0"))
        if not left:
            return web.Response(text=f"{request.path}", content_type="text/plain")
        raise web.HTTPFound(f"step?left={left - 1}")

    async with serving(handler) as server:
        reply = await fetched(make_fetcher(), f"{server.base}/a/first?left=5")
        with pytest.raises(BadRequest, match="more than 5 times"):
            await fetched(make_fetcher(), f"{server.base}/a/first?left=6")

    assert reply.value.url == f"{server.base}/a/step?left=0"
    assert reply.value.body == b"/a/step"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1:{port}/",
        "http://0x7f000001:{port}/", "http://2130706433:{port}/", "http://0:{port}/",
        "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{port}/", "http://10.0.0.1/", "http://169.254.169.254/latest",
        "http://192.168.1.1/", "http://[fe80::1]/", "http://[fd00::1]/",
        "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
        "http://user@127.0.0.1:{port}/", "http://user:pw@example.org/",
        "http://example.org@127.0.0.1:{port}/",
    ],
)  # fmt: skip
async def test_addresses_behind_our_own_walls_are_refused(make_fetcher, url):
    async with serving(giving()) as server:
        fetcher = make_fetcher(Network())
        with pytest.raises(AddressForbidden):
            await fetched(fetcher, url.format(port=server.port))

    assert server.asked == []


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://[::1]:{port}/secret",
     "//192.168.0.1/", "http://me:pw@127.0.0.1:{port}/"],
)  # fmt: skip
async def test_a_redirect_to_behind_our_own_walls_is_refused(make_fetcher, target):
    async def handler(request):
        return web.Response(status=302, headers={"Location": target.format(port=server.port)})

    async with serving(handler) as server:
        fetcher = make_fetcher(Network(allowed_networks=("127.0.0.1/32",)))
        with pytest.raises(AddressForbidden):
            await fetched(fetcher, server.base)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "gopher://a/", "http://", "http://[", "https://a.b:x/"]
)
async def test_a_redirect_to_what_is_no_web_address_is_refused(make_fetcher, target):
    async with serving(giving(status=301, Location=target)) as server:
        with pytest.raises(BadRequest):
            await fetched(make_fetcher(), server.base)


@pytest.mark.parametrize(
    "url",
    ["", "page", "file:///etc/passwd", "ftp://a.b/", "http://", "http:///x", "http://[::1",
     "https://a.b:99999999/", "javascript:alert(1)", "http://a\x00b/", "http://" + "a" * 9000,
     "https://\ud800/", "http://１２７.0.0.1/", "http://a.b%5b/", "http://[fe80::1%25eth0]/"],
)  # fmt: skip
async def test_what_is_no_web_address_is_refused(make_fetcher, url):
    with pytest.raises(BadRequest):
        await fetched(make_fetcher(), url)


async def test_a_label_too_long_for_a_name_is_refused_in_words(make_fetcher):
    with pytest.raises((BadRequest, NetworkFailed)):
        await fetched(make_fetcher(), f"http://{'a' * 64}.example/")


async def test_the_address_that_is_checked_is_the_one_that_is_connected_to(make_fetcher):
    answers = [["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1", "10.0.0.1"]]
    asked = []

    async def rebinding(host, port):
        asked.append(host)
        return answers[len(asked) - 1]

    async with serving(giving(Connection="close")) as server:
        fetcher = make_fetcher(Network(allowed_networks=("127.0.0.1/32",)), look_up=rebinding)
        page = f"http://page.example:{server.port}/"

        assert (await fetched(fetcher, page)).value.body == TEXT
        assert asked == ["page.example"]  # looked up once: there is no second answer to fall for
        for _ in range(2):
            with pytest.raises(AddressForbidden):
                await fetched(fetcher, page)

    assert server.asked[0].headers["Host"] == f"page.example:{server.port}"
    assert len(server.asked) == 1


async def test_an_open_connection_is_used_again_without_looking_up(make_fetcher):
    asked = []

    async def look_up(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    async with serving(giving()) as server:
        fetcher = make_fetcher(look_up=look_up)
        for _ in range(3):
            await fetched(fetcher, f"http://page.example:{server.port}/")

    assert asked == ["page.example"]


async def test_the_next_address_is_tried_when_one_takes_no_connection(make_fetcher):
    async def look_up(host, port):
        return ["127.0.0.9", "::1", "127.0.0.1"]

    async with serving(giving()) as server:
        reply = await fetched(make_fetcher(look_up=look_up), f"http://a.example:{server.port}/")

    assert reply.value.body == TEXT


async def test_when_no_address_takes_a_connection_it_is_told(make_fetcher):
    async def look_up(host, port):
        return ["127.0.0.9", "127.0.0.8"]

    async with serving(giving()) as server:
        with pytest.raises(NetworkFailed, match=r"http://a\.example takes no connection"):
            await fetched(make_fetcher(look_up=look_up), f"http://a.example:{server.port}/")


@pytest.mark.parametrize(
    ("error", "kind"),
    [(socket.gaierror(socket.EAI_NONAME, "unknown"), ConnectionRefused),
     (socket.gaierror(socket.EAI_AGAIN, "later"), NetworkFailed),
     (UnicodeError("label too long"), NetworkFailed), (None, NetworkFailed)],
)  # fmt: skip
async def test_a_name_that_leads_nowhere_is_told(make_fetcher, error, kind):
    async def look_up(host, port):
        if error:
            raise error
        return []

    with pytest.raises(kind):
        await fetched(make_fetcher(look_up=look_up), "http://a.example/")


async def test_a_resolver_that_is_silent_is_a_timeout(make_fetcher):
    async def look_up(host, port):
        await asyncio.sleep(60)

    limits = PageLimits(total_s=0.2)
    with pytest.raises(CallTimeout):
        await fetched(make_fetcher(look_up=look_up, limits=limits), "http://a.example/")


async def test_a_resolver_slower_than_a_connection_may_be_is_a_timeout(make_fetcher, monkeypatch):
    monkeypatch.setattr("wiseflow.providers.hops.CONNECT_S", 0.1)

    async def look_up(host, port):
        await asyncio.sleep(60)

    with pytest.raises(CallTimeout, match="no connection in time"):
        await fetched(make_fetcher(look_up=look_up), "http://a.example/")


@pytest.mark.parametrize(
    ("told", "kind"),
    [("text/html", "text/html"), ("TEXT/HTML;charset=x", "text/html"),
     ("application/xhtml+xml", "application/xhtml+xml"), ("text/plain", "text/plain"),
     ("text/markdown", "text/markdown"), ("application/json", "application/json"),
     ("application/ld+json", "application/ld+json"), ("nonsense", ""),
     ("text/html, text/html", "text/html")],
)  # fmt: skip
async def test_what_text_can_be_read_from_is_given(make_fetcher, told, kind):
    async with serving(giving(Content_Type=told)) as server:
        assert (await fetched(make_fetcher(), server.base)).value.content_type == kind


@pytest.mark.parametrize("told", ["image/png", "video/mp4", "application/zip", "text/css"])
async def test_what_no_text_can_be_read_from_is_refused_before_its_body(make_fetcher, told):
    async with speaking(
        f"HTTP/1.1 200 OK\r\nContent-Type: {told}\r\nContent-Length: 900\r\n\r\n".encode(),
        then_wait=True,
    ) as port:
        with pytest.raises(BadRequest, match=told):
            await fetched(make_fetcher(), f"http://127.0.0.1:{port}/")


async def test_a_file_of_unknown_kind_is_taken_when_it_begins_like_a_pdf(make_fetcher):
    told = "application/octet-stream"
    async with serving(giving(b"%PDF-1.7 and so on", Content_Type=told)) as server:
        assert (await fetched(make_fetcher(), server.base)).value.content_type == "application/pdf"
    async with serving(giving(b"MZ" + bytes(100), Content_Type=told)) as server:
        with pytest.raises(BadRequest):
            await fetched(make_fetcher(), server.base)


async def test_a_file_of_unknown_kind_that_is_no_pdf_is_not_read_to_its_end(make_fetcher):
    async with speaking(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\nMZ not a PDF",
        then_wait=True,
    ) as port:
        with pytest.raises(BadRequest):
            await fetched(make_fetcher(), f"http://127.0.0.1:{port}/")


async def test_a_packed_page_is_unpacked_and_its_bytes_are_those_that_came(make_fetcher):
    packed = gzip.compress(TEXT * 1000)
    async with serving(giving(packed, Content_Encoding="gzip")) as server:
        reply = await fetched(make_fetcher(), server.base)

    assert reply.value.body == TEXT * 1000
    assert reply.usage.bytes == len(packed)


async def test_a_page_packed_as_was_not_asked_for_is_refused(make_fetcher):
    async with serving(giving(Content_Encoding="br")) as server:
        with pytest.raises(BadRequest):
            await fetched(make_fetcher(), server.base)


async def test_a_page_cut_off_is_told(make_fetcher):
    packed = gzip.compress(TEXT)[:-9]
    async with serving(giving(packed, Content_Encoding="gzip")) as server:
        with pytest.raises(MalformedOutput, match="cut off"):
            await fetched(make_fetcher(), server.base)


async def test_a_page_that_says_it_is_too_large_is_not_read(make_fetcher):
    async with speaking(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2000000\r\n\r\n",
        then_wait=True,
    ) as port:
        with pytest.raises(BadRequest, match="larger than 1,000,000 bytes"):
            await fetched(make_fetcher(), f"http://127.0.0.1:{port}/")


async def test_a_page_without_end_is_read_up_to_its_bound(make_fetcher):
    sent = 0

    async def endless(request):
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)
            sent += 10_000

    async with serving(endless) as server:
        with pytest.raises(BadRequest, match="larger"):
            await fetched(make_fetcher(), server.base, max_bytes=50_000)

    assert sent < 20_000_000  # what lies in the buffers between


async def test_a_bomb_is_stopped_early(make_fetcher):
    bomb = gzip.compress(bytes(100_000_000))
    async with serving(giving(bomb, Content_Encoding="gzip")) as server:
        fetcher = make_fetcher()
        tracemalloc.start()
        with pytest.raises(BadRequest, match="larger"):
            await fetched(fetcher, server.base, max_bytes=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < 20_000_000


async def test_a_page_that_drips_is_bounded_in_time(make_fetcher):
    async def dripping(request):
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.02)

    began = time.monotonic()
    async with serving(dripping) as server:
        with pytest.raises(CallTimeout, match=r"within 0\.4 s"):
            await fetched(make_fetcher(limits=PageLimits(total_s=0.4)), server.base)
        took = time.monotonic() - began

    assert took < 5


async def test_redirects_do_not_lengthen_the_time(make_fetcher):
    async def slowly(request):
        await asyncio.sleep(0.15)
        raise web.HTTPFound("/again")

    async with serving(slowly) as server:
        with pytest.raises(CallTimeout):
            await fetched(make_fetcher(limits=PageLimits(total_s=0.4)), server.base)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, BadRequest), (403, BadRequest), (404, BadRequest), (410, BadRequest), (451, BadRequest),
     (402, BadRequest), (408, CallTimeout), (429, RateLimited), (500, ProviderDown),
     (503, ProviderDown), (504, CallTimeout), (300, BadRequest)],
)  # fmt: skip
async def test_a_page_that_is_not_given_is_told_by_its_status(make_fetcher, status, kind):
    async with serving(giving(status=status, Retry_After="4")) as server:
        with pytest.raises(kind, match=f"HTTP {status}") as caught:
            await fetched(make_fetcher(), server.base)

    assert type(caught.value) is kind
    assert caught.value.retry_after_s == 4


async def test_a_connection_that_breaks_is_told(make_fetcher):
    async with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx") as port:
        with pytest.raises(NetworkFailed):
            await fetched(make_fetcher(), f"http://127.0.0.1:{port}/")


async def test_local_only_asks_nobody_elsewhere(make_fetcher):
    async def nobody(host, port):
        raise AssertionError(host)

    fetcher = make_fetcher(Network(local_only=True, allowed_networks=HERE), look_up=nobody)

    with pytest.raises(AddressForbidden, match="LOCAL_ONLY"):
        await fetched(fetcher, "http://page.example/")


async def test_local_only_does_not_open_this_machine_by_itself(make_fetcher):
    async with serving(giving()) as server:
        with pytest.raises(AddressForbidden, match="FETCH_ALLOWED_NETWORKS"):
            await fetched(make_fetcher(Network(local_only=True)), server.base)


@asynccontextmanager
async def forwarding(answer=None):
    """A proxy for plain HTTP: it says what it is told to, to everything."""
    body = answer or b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
    async with speaking(body) as port:
        yield f"http://127.0.0.1:{port}"


async def test_through_a_proxy_it_says_once_what_it_can_no_longer_check(make_fetcher, caplog):
    async with forwarding() as proxy:
        fetcher = make_fetcher(Network(proxy=proxy.replace("//", "//me:pw@")))
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                assert (await fetched(fetcher, "http://page.example/")).value.body == b"ok"

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot be checked" in caplog.text
    assert "pw" not in caplog.text


@pytest.mark.parametrize("host", ["10.0.0.1", "2130706434", "[fd00::1]", "169.254.169.254"])
async def test_through_a_proxy_what_is_written_as_an_address_is_still_checked(make_fetcher, host):
    async with forwarding() as proxy:
        with pytest.raises(AddressForbidden):
            await fetched(make_fetcher(Network(proxy=proxy)), f"http://{host}/")


async def test_past_the_proxy_everything_is_checked(make_fetcher):
    async def look_up(host, port):
        return ["10.0.0.1"]

    network = Network(proxy="http://127.0.0.1:9", no_proxy="page.example")

    with pytest.raises(AddressForbidden):
        await fetched(make_fetcher(network, look_up=look_up), "http://page.example/")


async def test_a_proxy_that_is_not_there_is_told_with_its_setting(make_fetcher):
    with pytest.raises(ConnectionRefused, match="HTTPS_PROXY"):
        await fetched(make_fetcher(Network(proxy="http://127.0.0.1:9")), "http://page.example/")


class Counting:
    """Downloads that only count what they are told."""

    def __init__(self, pause=0.0):
        self.pause = pause
        self.took_bytes = 0
        self.inside = 0

    @asynccontextmanager
    async def slot(self):
        self.inside += 1
        try:
            yield self
        finally:
            self.inside -= 1

    async def took(self, count):
        self.took_bytes += count
        await asyncio.sleep(self.pause)


async def test_bytes_are_told_as_they_come_and_waiting_for_them_is_not_the_pages_time(make_fetcher):
    downloads = Counting(pause=0.6)
    async with serving(giving()) as server:
        fetcher = make_fetcher(downloads=downloads, limits=PageLimits(total_s=0.5))
        assert (await fetched(fetcher, server.base)).value.body == TEXT

    assert downloads.took_bytes == len(TEXT)
    assert downloads.inside == 0


async def test_a_place_among_the_downloads_is_given_back_when_a_fetch_is_cancelled(make_fetcher):
    downloads = Counting()
    async with speaking(b"HTTP/1.1 200 OK\r\n", then_wait=True) as port:
        fetcher = make_fetcher(downloads=downloads)
        task = asyncio.create_task(fetched(fetcher, f"http://127.0.0.1:{port}/"))
        await asyncio.sleep(0.1)
        assert downloads.inside == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert downloads.inside == 0


async def test_the_engines_downloads_fit(make_fetcher):
    downloads = Downloads(max_concurrent=2)
    async with serving(giving()) as server:
        fetcher = make_fetcher(downloads=downloads)
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(fetched(fetcher, server.base))

    assert downloads.running == 0
    assert len(server.asked) == 10
