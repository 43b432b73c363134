"""The clients, over real HTTP: what they send, what they bear, what they tell when it breaks."""

import asyncio
import gzip
import socket
import ssl
import subprocess

import httpx2
import pytest
from aiohttp import web
from tests.providers.servers import KEY, endpoint, serving, speaking

from wiseflow.core.errors import (
    AddressForbidden,
    AuthFailed,
    BadRequest,
    CallTimeout,
    ConnectionRefused,
    MalformedOutput,
    NetworkFailed,
    RateLimited,
)
from wiseflow.core.limits import Allowance, Dimension
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.failures import connection_failure
from wiseflow.providers.hearing import headers_of_this_call
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.network import Network


async def well(request):
    return web.json_response({"well": True})


def api(clients, base, **others):
    return JsonApi(endpoint(base, **others), clients, {"Authorization": f"Bearer {KEY}"})


async def failure(clients, base, kind, **others):
    with pytest.raises(kind) as caught:
        await api(clients, base, **others).post("search", {"query": "my-secret-topic"})
    assert type(caught.value) is kind
    told = f"{caught.value} {caught.value!r}"
    assert KEY not in told
    assert "my-secret-topic" not in told
    return caught.value


async def test_a_request_names_this_program_and_carries_its_key(make_clients):
    async with serving(well) as server:
        reply = await api(make_clients(), server.base).post("search", {"q": 1})

    assert reply.body == {"well": True}
    assert reply.bytes == len(b'{"well": true}')
    assert server.asked[0].headers["User-Agent"].startswith("WiseFlow/")
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert server.bodies == [b'{"q":1}']


async def test_one_client_serves_an_endpoint_and_its_connection_is_used_again(make_clients):
    peers = set()

    async def remember(request):
        peers.add(request.transport.get_extra_info("peername"))
        return web.json_response({})

    async with serving(remember) as server:
        clients = make_clients()
        for _ in range(3):
            await api(clients, server.base).get("x")

        assert clients.client(endpoint(server.base)) is clients.client(endpoint(server.base))
        assert clients.client(endpoint(server.base, provider="exa")) is not clients.client(
            endpoint(server.base)
        )
    assert len(peers) == 1


async def test_the_environment_says_nothing_to_it(make_clients, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")

    async with serving(well) as server:
        assert (await api(make_clients(), server.base).get("x")).body


async def test_a_hundred_and_fifty_requests_are_under_way_at_once(make_clients):
    there = asyncio.Event()
    count = 0

    async def all_together(request):
        nonlocal count
        count += 1
        if count == 150:
            there.set()
        await there.wait()
        return web.json_response({})

    async with serving(all_together) as server, asyncio.timeout(30), asyncio.TaskGroup() as group:
        asked = api(make_clients(), server.base)
        for _ in range(150):
            group.create_task(asked.get("x"))


async def test_what_headers_tell_is_given_with_a_success(make_clients):
    async def limited(request):
        return web.json_response({}, headers={"x-ratelimit-limit": "9"})

    async with serving(limited) as server:
        reply = await api(make_clients(), server.base).get("x")

    assert reply.allowances == (Allowance(dimension=Dimension.REQUESTS, limit=9),)


async def test_headers_are_heard_by_who_made_the_call_and_by_nobody_else(make_clients):
    async def told(request):
        await asyncio.sleep(0.01)
        return web.json_response(
            {}, headers={"x-ratelimit-limit": request.query["n"], "retry-after": "3"}
        )

    async def one(clients, base, number):
        with headers_of_this_call() as heard:
            assert heard.status == 0
            assert heard.allowances(0) == ()
            # As a vendor's library does it: with our client, in a task of its own.
            await asyncio.create_task(
                clients.client(endpoint(base)).get(f"{base}/x", params={"n": number})
            )
        assert heard.status == 200
        assert heard.retry_after_s(0) == 3
        return heard.allowances(0)[0].limit

    async with serving(told) as server:
        clients = make_clients()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(clients, server.base, n)) for n in range(1, 6)]

    assert [task.result() for task in tasks] == [1, 2, 3, 4, 5]


async def test_a_redirect_is_not_followed_as_the_key_would_go_along(make_clients):
    async with serving(well) as other:

        async def away(request):
            raise web.HTTPTemporaryRedirect(f"{other.base}/take-the-key")

        async with serving(away) as server:
            error = await failure(make_clients(), server.base, BadRequest)

    assert "TAVILY_API_BASE" in str(error)
    assert other.asked == []


async def test_a_refusal_is_told_with_its_wait(make_clients):
    async def too_much(request):
        return web.json_response({"detail": KEY}, status=429, headers={"Retry-After": "2"})

    async with serving(too_much) as server:
        error = await failure(make_clients(), server.base, RateLimited)

    assert error.retry_after_s == 2


@pytest.mark.parametrize(
    "body", [b"", b"  \n", b'{"results": [{"title": "cut', b"<html>", b"\xff\xfe", b"[" * 100_000]
)
async def test_a_body_that_is_no_whole_json_is_told(make_clients, body):
    async def broken(request):
        return web.Response(body=body, content_type="application/json")

    async with serving(broken) as server:
        error = await failure(make_clients(), server.base, MalformedOutput)

    assert error.__cause__ is None
    assert error.retryable


async def test_a_body_without_end_is_not_read_to_its_end(make_clients, monkeypatch):
    monkeypatch.setattr("wiseflow.providers.http.MAX_ANSWER_BYTES", 100_000)

    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 10_000)

    async with serving(endless) as server, asyncio.timeout(20):
        await failure(make_clients(), server.base, MalformedOutput)


async def test_a_body_that_cannot_be_unpacked_is_told(make_clients):
    packed = gzip.compress(b"{}")[:-12] + b"nonsense"
    async with speaking(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
        + b"x" + packed[1:]
    ) as port:  # fmt: skip
        await failure(make_clients(), f"http://127.0.0.1:{port}", MalformedOutput)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
)
async def test_a_connection_that_breaks_may_be_tried_again(make_clients, answer):
    async with speaking(answer) as port:
        error = await failure(make_clients(), f"http://127.0.0.1:{port}", NetworkFailed)

    assert error.retryable


async def test_an_answer_that_does_not_come_is_a_timeout(make_clients):
    async with speaking(b"", then_wait=True) as port:
        error = await failure(make_clients(timeout_s=0.2), f"http://127.0.0.1:{port}", CallTimeout)

    assert "API_TIMEOUT" in str(error)


async def test_a_port_that_nobody_listens_on_names_the_setting(make_clients):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
        error = await failure(make_clients(), base, NetworkFailed)

    assert "takes no connection. Check TAVILY_API_BASE" in str(error)


async def test_a_name_that_does_not_exist_names_the_setting(make_clients, monkeypatch):
    async def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("anyio._core._sockets.getaddrinfo", unknown)

    error = await failure(make_clients(), "http://api.exampel.org", ConnectionRefused)

    assert "name cannot be looked up. Check TAVILY_API_BASE" in str(error)
    assert not error.retryable


async def test_a_resolver_that_cannot_tell_now_may_be_asked_again(make_clients, monkeypatch):
    async def later(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr("anyio._core._sockets.getaddrinfo", later)

    assert (await failure(make_clients(), "http://api.example.org", NetworkFailed)).retryable


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for this machine; its file and its key's."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,DNS:page.example,IP:127.0.0.1", "-keyout",
         str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def tls(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


async def test_a_certificate_that_nobody_knows_is_refused_with_its_cure(make_clients, tls):
    async with serving(well, tls=tls) as server:
        error = await failure(make_clients(), server.base, ConnectionRefused)

    assert "certificate" in str(error)
    assert "SSL_CERT_FILE" in str(error)
    assert server.asked == []


async def test_an_authority_of_ones_own_is_believed(make_clients, tls, certificate):
    network = Network(ca_file=str(certificate[0]))

    async with serving(well, tls=tls) as server:
        assert (await api(make_clients(network), server.base).get("x")).body == {"well": True}


async def test_a_server_without_tls_is_told_as_such(make_clients):
    async with speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(NetworkFailed) as caught:
            await api(make_clients(timeout_s=2), f"https://127.0.0.1:{port}").get("x")

    assert not isinstance(caught.value, ConnectionRefused)


async def proxying(status):
    """A proxy that takes CONNECT and forwards everything to this machine, or refuses."""

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        if status != 200:
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
            writer.close()
            return
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")

        async def pump(source, target):
            while data := await source.read(65_536):
                target.write(data)
            target.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, there[1]))
            group.create_task(pump(there[0], writer))

    asked: list[bytes] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_a_proxy_is_used_when_it_is_given_and_logs_in(make_clients, tls, certificate):
    server, address, asked = await proxying(200)
    network = Network(proxy=f"http://me:pw@{address}", ca_file=str(certificate[0]))
    async with server, serving(well, tls=tls) as there:
        clients = make_clients(network)
        reply = await api(clients, f"https://page.example:{there.port}").get("x")
        await clients.aclose()

    assert reply.body == {"well": True}
    assert asked[0].startswith(b"CONNECT page.example:%d " % there.port)
    assert b"Proxy-Authorization: Basic" in asked[0]


@pytest.mark.parametrize(
    ("status", "kind"), [(403, ConnectionRefused), (407, ConnectionRefused), (502, NetworkFailed)]
)
async def test_a_proxy_that_refuses_is_told_with_its_setting(make_clients, status, kind):
    server, address, _ = await proxying(status)
    async with server:
        network = Network(proxy=f"http://me:{KEY}@{address}")
        error = await failure(make_clients(network), "https://api.example.org", kind)

    assert f"the proxy {address} refuses" in str(error)
    assert "HTTPS_PROXY" in str(error)


async def test_a_proxy_that_wants_a_login_for_plain_http_is_told(make_clients):
    server, address, _ = await proxying(407)
    async with server:
        network = Network(proxy=f"http://{address}")
        error = await failure(make_clients(network), "http://api.example.org", ConnectionRefused)

    assert "HTTPS_PROXY" in str(error)


async def test_a_proxy_that_is_not_there_is_told_with_its_setting(make_clients):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        network = Network(proxy=f"http://127.0.0.1:{free.getsockname()[1]}")
        error = await failure(make_clients(network), "https://a.example", ConnectionRefused)

    assert "takes no connection. Check HTTPS_PROXY" in str(error)


async def test_a_proxy_whose_name_is_unknown_is_told_with_its_setting(make_clients, monkeypatch):
    async def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("anyio._core._sockets.getaddrinfo", unknown)
    network = Network(proxy="http://proxy.exampel:3128")

    error = await failure(make_clients(network), "https://a.example", ConnectionRefused)

    assert "the proxy proxy.exampel:3128 is not found. Check HTTPS_PROXY" in str(error)


async def test_local_only_makes_no_client_for_elsewhere(make_clients, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)

    await failure(make_clients(Network(local_only=True)), "http://10.0.0.9", AddressForbidden)


async def test_local_only_holds_whatever_address_a_library_makes_up(make_clients):
    async with serving(well) as server:
        clients = make_clients(Network(local_only=True))
        asked = endpoint(server.base)
        client = clients.client(asked)

        assert (await client.get(f"{server.base}/x")).status_code == 200
        with pytest.raises(AddressForbidden):
            await client.get("http://10.0.0.9/telemetry")


def test_an_error_of_ours_below_a_librarys_error_is_given_as_it_is():
    ours = AuthFailed("no", provider="openai")
    above = RuntimeError("Connection error.")
    above.__cause__ = ours

    assert connection_failure(above, endpoint("https://a.b"), Network()) is ours


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx2.ConnectTimeout(""), CallTimeout),
        (httpx2.LocalProtocolError(""), BadRequest),
        (httpx2.WriteError(""), NetworkFailed),
        (TimeoutError(), CallTimeout),
        (ExceptionGroup("", [socket.gaierror(socket.EAI_NONAME, "")]), ConnectionRefused),
        (RuntimeError("what is this?"), NetworkFailed),
    ],
)
def test_every_other_way_to_fail_has_its_kind(error, kind):
    assert type(connection_failure(error, endpoint("https://a.b"), Network())) is kind


def test_waiting_for_a_connection_of_ours_is_told_apart_from_a_slow_answer():
    error = connection_failure(httpx2.PoolTimeout(""), endpoint("https://a.b"), Network())

    assert "all connections are in use" in str(error)


async def test_a_connection_that_takes_too_long_through_a_proxy_names_the_proxy():
    asked = Endpoint(provider="exa", base_url="https://a.b")

    error = connection_failure(httpx2.ConnectTimeout(""), asked, Network(proxy="http://p:1"))

    assert "HTTPS_PROXY" in str(error)


async def test_clients_closed_are_made_anew():
    clients = HttpClients()
    asked = endpoint("http://127.0.0.1:9")
    first = clients.client(asked)

    await clients.aclose()

    assert first.is_closed
    assert not clients.client(asked).is_closed
    await clients.aclose()
