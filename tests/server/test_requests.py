"""What any request may bring, and what is answered to bad ones."""

import asyncio
import json

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from wiseflow.core.access import Scope
from wiseflow.server.factory import create_app
from wiseflow.server.limits import Limited, RequestLimits

RESEARCH = "/api/v1/research"
JSON = {"Content-Type": "application/json"}


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["type"]) == (status, "about:blank")
    assert told["detail"]
    return told


async def test_what_is_nowhere_is_a_problem(client):
    problem(await client.get("/nowhere"), 404)


async def test_another_method_is_a_problem_that_names_the_right_ones(client):
    answer = await client.patch(RESEARCH)

    problem(answer, 405)
    assert answer.headers["Allow"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_media_type_is_refused(client, kind):
    body = json.dumps({"topic": "Tides"})

    answer = await client.post(RESEARCH, content=body, headers={"Content-Type": kind})

    problem(answer, 415)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"topic": "a\\u0000b"}',
        b'{"topic": "\\ud800"}',
        b'{"topic": "Tides", "metadata": {"\\u0000": 1}}',
        b'{"topic": "Tides", "metadata": {"n": NaN}}',
        b'{"topic": "Tides", "metadata": {"n": -Infinity}}',
        b'{"topic": "Tides", "metadata": {"n": 1e999}}',
        b'{"topic": "Tides", "metadata": {"n": 1' + b"0" * 5000 + b"}}",
        b'{"topic": "Tides", "metadata": {"n": 9223372036854775808}}',
        b'{"topic": "Tides", "metadata": {"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"topic": "Tides", "metadata": {"n": ' + b"[" * 40 + b"]" * 40 + b"}}",
        b'{"topic": "' + b"a" * 3000 + b'"}',
        b'{"topic": "Tides", "tags": ' + json.dumps(["x"] * 51).encode() + b"}",
    ],
    ids=lambda body: body[:40].decode(errors="replace"),
)
async def test_what_cannot_be_stored_or_answered_is_refused(client, body):
    problem(await client.post(RESEARCH, content=body, headers=JSON), 422)


@pytest.mark.parametrize(
    ("body", "place", "meant"),
    [
        ({"topic": "Tides", "tag": ["sea"]}, "body.tag", "mean 'tags'?"),
        (
            {"topic": "Tides", "configuration": {"collections": ["sea"]}},
            "body.configuration.collections",
            "mean 'collection'?",
        ),
        (
            {"topic": "Tides", "configuration": {"budget": {"xyz": 1}}},
            "body.configuration.budget.xyz",
            "known are money, seconds, tokens",
        ),
    ],
)
async def test_a_field_that_is_not_known_is_named_with_those_that_are(client, body, place, meant):
    told = problem(await client.post(RESEARCH, json=body), 422)

    (wrong,) = told["errors"]
    assert wrong["place"] == place
    assert meant in wrong["message"]


async def test_a_filter_that_is_not_known_is_named_with_the_nearest(client):
    told = problem(await client.get(f"{RESEARCH}?statu=failed"), 422)

    assert "did you mean 'status'?" in told["detail"]


async def test_brackets_inside_of_texts_are_no_nesting(client):
    body = {"topic": "Tides", "metadata": {"note": '\\"' + "[{" * 100}}

    answer = await client.post(RESEARCH, json=body)

    assert answer.json()["metadata"] == body["metadata"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(client, chunked):
    async def parts():
        for _ in range(40):
            yield b" " * 65_536

    body = parts() if chunked else b" " * 2_000_000

    answer = await client.post(RESEARCH, content=body, headers=JSON)

    assert "1,048,576" in problem(answer, 413)["detail"]


async def test_who_may_not_send_a_body_is_told_so_before_it_is_read(application, keys):
    read: list[bytes] = []

    async def parts():
        for _ in range(40):
            read.append(b" " * 65_536)
            yield read[-1]

    transport = httpx2.ASGITransport(create_app(application))
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
        nobody = await client.post(RESEARCH, content=parts(), headers=JSON)
        weak = {"X-API-Key": (await keys(scope=Scope.READ)).text}
        reader = await client.post(RESEARCH, content=parts(), headers=JSON | weak)

    problem(nobody, 401)
    problem(reader, 403)
    assert read == []


async def test_an_answer_that_takes_too_long_is_given_up():
    async def slow(_):
        await asyncio.Event().wait()

    async def late(request):
        return PlainTextResponse(await request.body())

    limits = RequestLimits(body_bytes=10, upload_bytes=10, seconds=0.05)
    routes = [Route("/slow", slow), Route("/late", late, methods=["POST"])]
    app = Limited(Starlette(routes=routes), limits)

    async def never():
        yield b"a"
        await asyncio.Event().wait()

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
        unanswered = problem(await client.get("/slow"), 503)
        unsent = problem(await client.post("/late", content=never()), 408)

    assert "answer" in unanswered["detail"]
    assert "request" in unsent["detail"]


async def test_every_answer_has_an_id(client):
    own = await client.get("/health/live", headers={"X-Request-ID": "from-me.1"})
    made = await client.get("/nowhere", headers={"X-Request-ID": "bad one\t" * 50})

    assert own.headers["X-Request-ID"] == "from-me.1"
    assert len(made.headers["X-Request-ID"]) == 26


async def test_large_answers_are_compressed(client):
    await client.post(f"{RESEARCH}/parallel", json={"topics": [f"T {n}" for n in range(20)]})

    answer = await client.get(RESEARCH, headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["researches"]) == 20


async def test_pages_of_other_origins_may_not_ask_by_default(client):
    answer = await client.get("/health/live", headers={"Origin": "https://app.example.org"})

    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_pages_of_origins_that_are_named_may_ask(application, monkeypatch):
    update = {"cors_allowed_origins": "https://app.example.org, https://b.example.org"}
    monkeypatch.setattr(application, "settings", application.settings.model_copy(update=update))
    transport = httpx2.ASGITransport(create_app(application))
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
        named = await client.get("/health/live", headers={"Origin": "https://app.example.org"})
        other = await client.get("/health/live", headers={"Origin": "https://c.example.org"})

    assert named.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize("arrives_under", ["", "/wiseflow"], ids=["taken off", "left on"])
async def test_addresses_carry_the_path_that_a_proxy_offers_it_under(
    application, keys, arrives_under
):
    key = {"X-API-Key": (await keys(scope=Scope.RUN)).text}
    transport = httpx2.ASGITransport(create_app(application, root_path="/wiseflow"))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://server", headers=key
    ) as client:
        made = await client.post(f"{arrives_under}{RESEARCH}", json={"topic": "Tides"})
        place = made.headers["Location"]
        found = await client.get(place.replace("/wiseflow", arrives_under, 1))

    assert place.startswith("/wiseflow/api/v1/research/")
    assert found.json() == made.json()
