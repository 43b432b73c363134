"""No page leads behind our own walls, however its address is written and wherever it stands.

Every form is asked for directly, by a redirect on each hop, and as what a robots.txt leads to. What
is counted are connections: by sockets that listen on all addresses of this machine, and by the
interpreter, which tells of every ``connect``. The one address that is opened, 127.0.0.9, stands for
the public internet; nothing else may be connected to.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

import pytest
from aiohttp import web

from wiseflow.core.asking import FetchRequest
from wiseflow.core.errors import CallError
from wiseflow.providers.network import Network
from wiseflow.providers.pages import MAX_REDIRECTS, PageFetcher
from wiseflow.providers.pinning import resolve
from wiseflow.providers.politeness import Manners

PUBLIC = "127.0.0.9"
# Names as an attacker's own name server answers them, one answer after the other; the last stays.
ANSWERS: dict[str, list[list[str]]] = {
    "public.example": [[PUBLIC]],
    "inner.example": [["127.0.0.1"]],
    "inner6.example": [["::1"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "metadata.example": [["169.254.169.254"]],
    "both.example": [[PUBLIC, "127.0.0.1"]],
    "both-ways.example": [["127.0.0.1", PUBLIC]],
    "both-kinds.example": [[PUBLIC, "::1"]],
    "unspecified.example": [["0.0.0.0"]],
    "private.example": [["10.0.0.7"]],
    "zone.example": [["fe80::1%lo"]],
    "nat64.example": [["64:ff9b::7f00:1"]],
    "6to4.example": [["2002:7f00:1::"]],
}
# A port of a service of ours stands for {port}.
FORMS = [
    # IPv4 in every way that resolvers read it
    "http://127.0.0.1:{port}/", "http://127.0.0.2:{port}/", "http://127.1:{port}/",
    "http://127.0.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/",
    "http://0x7f.0x0.0x0.0x1:{port}/", "http://0x7F.1:{port}/", "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/", "http://0177.0.0.01:{port}/", "http://00000177.1:{port}/",
    "http://127.0.0.1.:{port}/", "http://2130706433.:{port}/", "http://0:{port}/",
    "http://0.0.0.0:{port}/", "http://00.0x0.0:{port}/", "http://127.000.000.001:{port}/",
    "http://4294967297:{port}/", "http://127.0.0.256:{port}/", "http://127.65537:{port}/",
    # IPv6, and IPv4 inside of it
    "http://[::1]:{port}/", "http://[0:0:0:0:0:0:0:1]:{port}/", "http://[0000::0001]:{port}/",
    "http://[::]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/",
    "http://[::FFFF:7F00:0001]:{port}/", "http://[::127.0.0.1]:{port}/", "http://[::7f00:1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/", "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/", "http://[2002:a00:1::1]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/", "http://[fe80::1]:{port}/", "http://[fe80::1%25lo]:{port}/",
    "http://[fe80::1%lo]:{port}/", "http://[::1%25lo]:{port}/", "http://[::1%251]:{port}/",
    "http://[fc00::1]:{port}/", "http://[fd00::1]:{port}/", "http://[fec0::1]:{port}/",
    "http://[ff02::1]:{port}/", "http://[fe80::5efe:127.0.0.1]:{port}/", "http://[100::1]:{port}/",
    # private, link-local and cloud metadata
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://2852039166/latest/", "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/", "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/",
    "http://192.0.0.192/", "http://100.100.100.200/", "http://255.255.255.255/", "http://224.0.0.1/",
    # names
    "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://localhost.:{port}/",
    "http://a.localhost:{port}/", "http://localhost.localdomain:{port}/",
    "http://ip6-localhost:{port}/", "http://inner.example:{port}/", "http://inner.example.:{port}/",
    "http://inner6.example:{port}/", "http://mapped.example:{port}/",
    "http://metadata.example:{port}/", "http://both.example:{port}/",
    "http://both-ways.example:{port}/", "http://both-kinds.example:{port}/",
    "http://unspecified.example:{port}/", "http://private.example:{port}/",
    "http://zone.example:{port}/", "http://nat64.example:{port}/", "http://6to4.example:{port}/",
    # letters and digits that only look like others
    "http://１２７.0.0.1:{port}/", "http://127。0。0。1:{port}/", "http://①②⑦.⓪.⓪.①:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/", "http://ｌｏｃａｌｈｏｓｔ:{port}/", "http://loc\u00adalhost:{port}/",
    "http://local\u200bhost:{port}/", "http://%31%32%37.0.0.1:{port}/", "http://loc%61lhost:{port}/",
    "http://[::ⓕⓕⓕⓕ:127.0.0.1]:{port}/",
    # who is the host?
    "http://public.example@127.0.0.1:{port}/", "http://public.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@public.example/", "http://127.0.0.1:{port}?@public.example/",
    "http://public.example\\@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@public.example/",
    "http://public.example%40127.0.0.1:{port}/", "http://a:b@localhost:{port}/",
    "http://:@127.0.0.1:{port}/", "http://127.0.0.1%00.public.example:{port}/",
    "http://127.0.0.1\x00.public.example:{port}/", "http://127.0.0.1 .public.example:{port}/",
    "http:127.0.0.1:{port}/", "http:/127.0.0.1:{port}/", "http:///127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\", "\thttp://127.0.0.1:{port}/", "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1:{port}\r\n/", "HTTP://127.0.0.1:{port}/", "https://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/", "///127.0.0.1:{port}/", "\\\\127.0.0.1:{port}/",
    # ports and schemes
    "http://127.0.0.1:0{port}/", "http://127.0.0.1:+{port}/", "http://127.0.0.1:{port}1111/",
    "http://127.0.0.1:/", "http://127.0.0.1:22/", "http://127.0.0.1:6379/",
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "gopher://127.0.0.1:{port}/_x",
    "ftp://127.0.0.1:{port}/", "dict://127.0.0.1:{port}/", "ldap://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/", "tftp://127.0.0.1:{port}/", "jar:http://127.0.0.1:{port}/!/",
    "view-source:http://127.0.0.1:{port}/", "http+unix://%2Frun%2Fdocker.sock/",
    "unix:///run/docker.sock", "data:text/html,x", "javascript:fetch('//127.0.0.1:{port}')",
]  # fmt: skip


@dataclass
class Counted:
    """Connections: those that came to a service of ours, and those that were tried at all."""

    port: int = 0
    came: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def beyond_public(self) -> list[str]:
        return [host for host in self.tried if host != PUBLIC]


_watchers: list[Counted] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _watchers:
        address = arguments[1]
        if isinstance(address, tuple):
            _watchers[-1].tried.append(str(address[0]))


@pytest.fixture(scope="module", autouse=True)
def _watching() -> None:
    sys.addaudithook(_watch)  # it cannot be taken away again, so it is silent without a watcher


@pytest.fixture
async def counted() -> AsyncIterator[Counted]:
    """A service of ours on every address of this machine, of both families."""
    found = Counted()

    async def came(reader, writer):
        found.came.append(str(writer.get_extra_info("sockname")[0]))
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nsecret"
        )
        writer.close()

    four = await asyncio.start_server(came, "0.0.0.0", 0)
    found.port = four.sockets[0].getsockname()[1]
    six = await asyncio.start_server(came, "::", found.port, family=socket.AF_INET6)
    _watchers.append(found)
    async with four, six:
        yield found
    _watchers.remove(found)


class Resolver:
    """The attacker's name server; what is not its own is looked up as this machine does it."""

    def __init__(self, more: Mapping[str, list[list[str]]]) -> None:
        self.left = {name: list(answers) for name, answers in {**ANSWERS, **more}.items()}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        answers = self.left.get(host.rstrip("."))
        if answers is None:
            return await resolve(host, port)
        return answers.pop(0) if len(answers) > 1 else answers[0]


@asynccontextmanager
async def leading(robots_to: str = "") -> AsyncGenerator[int]:
    """A public host: ``/hop/N?to=ADDRESS`` redirects N times, then to the address; its port."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            if robots_to:
                return web.Response(status=302, headers={"Location": robots_to})
            return web.Response(status=404)
        left, to = int(request.match_info["left"]), request.query_string.removeprefix("to=")
        target = f"/hop/{left - 1}?to={to}" if left > 1 else unquote(to)
        return web.Response(status=302, headers={"Location": target.replace("\r\n", "")})

    app = web.Application()
    app.router.add_get("/robots.txt", answer)
    app.router.add_get("/hop/{left}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, PUBLIC, 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def fetching(
    manners: Manners | None = None, *, proxy: str = "", **answers: list[list[str]]
) -> AsyncGenerator[PageFetcher]:
    opened = Network(allowed_networks=(f"{PUBLIC}/32",), proxy=proxy)
    fetcher = PageFetcher(opened, manners=manners, look_up=Resolver(answers))
    try:
        yield fetcher
    finally:
        await fetcher.aclose()


def test_there_are_enough_forms():
    assert len(set(FORMS)) == len(FORMS) >= 60


@pytest.mark.parametrize("robots", [True, False])
@pytest.mark.parametrize("form", FORMS)
async def test_no_form_of_an_address_leads_to_a_service_of_ours(counted, form, robots):
    async with fetching(Manners(robots=robots)) as fetcher:
        with pytest.raises(CallError):
            await fetcher.fetch(FetchRequest(url=form.format(port=counted.port)))

    assert counted.came == []
    assert counted.tried == []


@pytest.mark.parametrize("form", FORMS)
async def test_no_redirect_leads_to_a_service_of_ours_on_any_hop(counted, form):
    target = quote(form.format(port=counted.port), safe="")
    async with leading() as port, fetching() as fetcher:
        for hop in range(1, MAX_REDIRECTS + 1):
            url = f"http://public.example:{port}/hop/{hop}?to={target}"
            with pytest.raises(CallError):
                await fetcher.fetch(FetchRequest(url=url))

    assert counted.came == []
    assert counted.beyond_public() == []
    assert counted.tried  # the hops before were made


@pytest.mark.parametrize("form", [form for form in FORMS if form.isprintable()])
async def test_no_robots_txt_leads_to_a_service_of_ours(counted, form):
    async with leading(form.format(port=counted.port)) as port, fetching() as fetcher:
        with pytest.raises(CallError):
            await fetcher.fetch(FetchRequest(url=f"http://public.example:{port}/hop/1?to=/"))

    assert counted.came == []
    assert counted.beyond_public() == []


async def test_a_name_that_changes_its_answer_is_never_connected_to_at_the_second(counted):
    answers = [[PUBLIC], ["127.0.0.1"], ["::1"], ["10.0.0.1"]]
    async with leading() as port, fetching(Manners(robots=False), rebinding=answers) as fetcher:
        request = FetchRequest(url=f"http://rebinding:{port}/hop/1?to=ftp://x/")
        for _ in range(6):
            with pytest.raises(CallError):
                await fetcher.fetch(request)
            await fetcher.aclose()  # so that the next one looks the name up again

    assert counted.came == []
    assert counted.tried == [PUBLIC]


async def test_a_name_that_changes_its_answer_between_its_rules_and_a_page_is_refused(counted):
    answers = [[PUBLIC], ["127.0.0.1"]]
    async with leading() as port, fetching(rebinding=answers) as fetcher:
        with pytest.raises(CallError):
            await fetcher.fetch(FetchRequest(url=f"http://rebinding:{port}/hop/1?to=ftp://x/"))
        await fetcher.aclose()
        with pytest.raises(CallError):
            await fetcher.fetch(FetchRequest(url=f"http://rebinding:{counted.port}/"))

    assert counted.came == []
    assert counted.beyond_public() == []


@pytest.mark.parametrize(
    "form",
    [form for form in FORMS if "example" not in form and "localdomain" not in form
     and "ip6-" not in form],
)  # fmt: skip
async def test_a_proxy_is_not_asked_for_what_is_written_as_an_address_of_ours(counted, form):
    asked = []

    async def proxy(reader, writer):
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(proxy, PUBLIC, 0)
    async with server:
        address = f"http://{PUBLIC}:{server.sockets[0].getsockname()[1]}"
        async with fetching(Manners(robots=False), proxy=address) as fetcher:
            with pytest.raises(CallError):
                await fetcher.fetch(FetchRequest(url=form.format(port=counted.port)))

    assert asked == []
    assert counted.came == []
