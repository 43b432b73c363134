"""Keys, logins, limits and the audit log over HTTP."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing

import httpx2
import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from wiseflow.app import open_application
from wiseflow.core.access import Scope
from wiseflow.core.errors import ConfigurationError
from wiseflow.server.client_limits import LOGIN_TRIES, ClientLimits, counted_in_redis
from wiseflow.server.factory import create_app
from wiseflow.server.guard import RECHECK_S, Guard
from wiseflow.server.principals import principal_of
from wiseflow.server.scopes import READ
from wiseflow.server.serving import refuse_open
from wiseflow.server.sessions import COOKIE
from wiseflow.settings.loading import load_settings

TOPIC = {"topic": "Tides"}
RESEARCH = "/api/v1/research"
OWN_PAGE = {"Origin": "http://server"}


@pytest.fixture
async def outside(application):
    """Asks the server from elsewhere."""
    transport = httpx2.ASGITransport(create_app(application), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as asking:
        yield asking


async def logged_in(asking: httpx2.AsyncClient, text: str, **form: str) -> httpx2.Response:
    return await asking.post("/login", data={"key": text, **form}, headers=OWN_PAGE)


async def test_a_key_is_taken_in_either_header(outside, keys):
    text = (await keys(scope=Scope.RUN, tenant="acme")).text

    for headers in ({"X-API-Key": text}, {"Authorization": f"Bearer {text}"}):
        assert (await outside.post(RESEARCH, json=TOPIC, headers=headers)).status_code == 202


async def test_a_wrong_key_is_refused_where_none_would_do(client):
    assert (await client.post(RESEARCH, json=TOPIC)).status_code == 202

    for headers in ({"X-API-Key": "wf_no"}, {"X-API-Key": ""}, {"Authorization": "Bearer "}):
        assert (await client.post(RESEARCH, json=TOPIC, headers=headers)).status_code == 401


async def test_the_first_key_closes_the_door_to_who_has_none(client, keys):
    assert (await client.post(RESEARCH, json=TOPIC)).status_code == 202

    await keys(scope=Scope.READ)

    answer = await client.post(RESEARCH, json=TOPIC)
    assert answer.status_code == 401
    assert "in use" in answer.json()["detail"]


async def test_a_page_of_another_site_cannot_use_the_place_that_a_browser_runs_at(client):
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await client.post(RESEARCH, json=TOPIC, headers=headers)).status_code == 403

    rebound = await client.post(RESEARCH, json=TOPIC, headers={"Host": "evil.example"})
    assert rebound.status_code == 401


async def test_a_login_gives_a_cookie_in_place_of_a_key(outside, keys):
    issued = await keys(scope=Scope.RUN, tenant="acme")

    answer = await logged_in(outside, issued.text, next="/dashboard/new")

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/dashboard/new"
    cookie = answer.headers["Set-Cookie"]
    assert re.search(r"HttpOnly", cookie)
    assert "samesite=strict" in cookie.lower()
    assert "secure" not in cookie.lower()
    assert issued.text.rpartition("_")[2] not in cookie
    assert (await outside.post(RESEARCH, json=TOPIC, headers=OWN_PAGE)).status_code == 202


async def test_over_tls_the_cookie_is_sent_over_tls_alone(application, keys):
    text = (await keys()).text
    transport = httpx2.ASGITransport(create_app(application, root_path="/wf"), root_path="/wf")
    async with httpx2.AsyncClient(transport=transport, base_url="https://server") as asking:
        answer = await asking.post(
            "/wf/login", data={"key": text}, headers={"Origin": "https://server"}
        )

    assert "secure" in answer.headers["Set-Cookie"].lower()
    assert "Path=/wf/" in answer.headers["Set-Cookie"]
    assert answer.headers["Location"] == "/wf/dashboard"


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
async def test_a_cookie_does_nothing_for_another_sites_page(outside, keys, headers):
    await logged_in(outside, (await keys(scope=Scope.RUN)).text)

    assert (await outside.post(RESEARCH, json=TOPIC, headers=headers)).status_code == 403
    assert (await outside.get(f"{RESEARCH}/nowhere", headers=headers)).status_code == 404


async def test_revoking_the_key_ends_its_logins(outside, keys, application):
    issued = await keys(scope=Scope.READ)
    await logged_in(outside, issued.text)
    assert (await outside.get(f"{RESEARCH}/nowhere")).status_code == 404

    await application.keys.end(issued.key.key_id)
    application.key_ring.forget()

    assert (await outside.get(f"{RESEARCH}/nowhere")).status_code == 401


async def test_a_cookie_that_was_changed_or_is_anothers_is_refused(outside, keys):
    await logged_in(outside, (await keys()).text)
    cookie = outside.cookies[COOKIE]
    outside.cookies.clear()

    for changed in (cookie[:-2] + "AA", cookie.swapcase(), "x", cookie.split(".")[0]):
        answer = await outside.get(f"{RESEARCH}/x", headers={"Cookie": f"{COOKIE}={changed}"})
        assert answer.status_code == 401


async def test_logging_out_takes_the_cookie_away(outside, keys):
    await logged_in(outside, (await keys()).text)

    answer = await outside.post("/logout", headers=OWN_PAGE)

    assert answer.headers["Location"] == "/login"
    assert COOKIE not in outside.cookies
    assert (await outside.get(f"{RESEARCH}/nowhere")).status_code == 401


@pytest.mark.parametrize(
    "page", ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil", "", "/\nx"]
)
async def test_a_login_leads_to_no_other_site(outside, keys, page):
    answer = await logged_in(outside, (await keys()).text, next=page)

    assert answer.headers["Location"] == "/dashboard"


async def test_the_page_shows_nothing_of_what_was_sent_as_markup(outside):
    page = await outside.get("/login", params={"next": '/"><script>alert(1)</script>'})

    assert "<script>" not in page.text
    assert page.headers["Cache-Control"] == "no-store"


async def test_tries_to_log_in_are_bounded(outside, keys):
    text = (await keys()).text
    for _ in range(LOGIN_TRIES):
        assert (await logged_in(outside, "wf_wrong")).status_code == 401

    answer = await logged_in(outside, text)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


async def test_another_sites_page_cannot_log_anybody_in(outside, keys):
    answer = await outside.post(
        "/login", data={"key": (await keys()).text}, headers={"Origin": "http://evil.example"}
    )

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


async def test_a_key_is_told_where_it_stands_and_when_to_come_again(outside, keys):
    headers = {"X-API-Key": (await keys(requests_per_minute=2)).text}

    first, second, third = [
        await outside.get(f"{RESEARCH}/nowhere", headers=headers) for _ in range(3)
    ]

    assert [one.status_code for one in (first, second, third)] == [404, 404, 429]
    assert first.headers["X-RateLimit-Limit"] == "2"
    assert [one.headers["X-RateLimit-Remaining"] for one in (first, second)] == ["1", "0"]
    assert re.fullmatch(r'"key";r=0;t=\d+', third.headers["RateLimit"])
    assert third.headers["RateLimit-Policy"] == '"key";q=2;w=60'
    assert 0 < int(third.headers["Retry-After"]) <= 120
    assert third.headers["Content-Type"] == "application/problem+json"


async def test_one_keys_requests_take_nothing_from_anothers(outside, keys):
    one, other = [(await keys(requests_per_minute=1)).text for _ in range(2)]
    for _ in range(3):
        await outside.get(f"{RESEARCH}/x", headers={"X-API-Key": one})

    answer = await outside.get(f"{RESEARCH}/x", headers={"X-API-Key": other})

    assert answer.status_code == 404


async def test_a_key_without_limit_has_none_to_tell(outside, keys):
    headers = {"X-API-Key": (await keys(requests_per_minute=0)).text}

    answer = await outside.get(f"{RESEARCH}/x", headers=headers)

    assert "X-RateLimit-Limit" not in answer.headers


async def test_processes_that_share_redis_count_a_key_together_and_apart_while_it_is_away(
    redis_url, keys
):
    key = (await keys(requests_per_minute=3)).key
    now = [100.0]
    async with (
        aclosing(sharing(redis_url, now)) as one,
        aclosing(sharing(redis_url, now)) as other,
        aclosing(sharing("unix:///nowhere", now)) as alone,
    ):
        together = [await limits.take(key) for limits in (one, other, one, other)]
        apart = await alone.take(key)

    assert [allowed for _, allowed in together] == [True, True, True, False]
    assert [standing.remaining for standing, _ in together if standing] == [2, 1, 0, 0]
    assert apart[0] is not None
    assert (apart[0].remaining, apart[1]) == (2, True)


def sharing(url, now):
    storage = counted_in_redis(url.replace("unix://", "redis+unix://", 1))
    return ClientLimits(600, shared=storage, monotonic=lambda: now[0])


async def test_what_is_kept_of_addresses_is_bounded():
    limits = ClientLimits(600)

    places = {limits._place(f"2001:db8:{number:x}::1") for number in range(5_000)}

    assert len(places) <= 1024
    assert limits._place("2001:db8::1") == limits._place("2001:db8::ffff:2")
    assert limits._place("::ffff:10.0.0.1") != limits._place("::ffff:10.0.0.2")


async def test_changes_are_written_down_with_who_and_how_they_ended(outside, keys, application):
    issued = await keys(scope=Scope.RUN, tenant="acme", name="ci")
    headers = {"X-API-Key": issued.text}
    made = await outside.post(RESEARCH, json=TOPIC, headers=headers)
    await outside.get(made.headers["Location"], headers=headers)
    await outside.post("/api/v1/keys", json={"name": "x"}, headers=headers)
    await outside.post(f"/api/v1/keys/{issued.key.key_id}/revoke", headers=headers)
    await outside.post(RESEARCH, json=TOPIC)

    told = [
        (one.who, one.tenant, one.action, one.target, one.outcome)
        for one in await application.auditor.log.entries()
    ]

    assert told == [
        ("ci", "acme", "POST /api/v1/keys/{key_id}/revoke", issued.key.key_id, "403"),
        ("ci", "acme", "POST /api/v1/keys", "", "403"),
        ("ci", "acme", "POST /api/v1/research", made.json()["id"], "202"),
    ]


async def test_tries_to_log_in_are_written_down(outside, keys, application):
    await logged_in(outside, "wf_wrong")
    await logged_in(outside, (await keys(name="ci")).text)

    told = [(one.who, one.outcome) for one in await application.auditor.log.entries()]

    assert told == [("ci", "303"), ("unknown", "401")]


async def test_a_tenants_administrator_reads_its_own_log_and_the_first_tenants_all(outside, keys):
    texts = {name: (await keys(scope=Scope.ADMIN, tenant=name)).text for name in ("", "acme", "b")}
    for text in texts.values():
        await outside.post(RESEARCH, json=TOPIC, headers={"X-API-Key": text})

    async def seen(name: str) -> set[str]:
        answer = await outside.get("/api/v1/audit", headers={"X-API-Key": texts[name]})
        return {one["tenant"] for one in answer.json()}

    assert await seen("acme") == {"acme"}
    assert await seen("") == {"", "acme", "b"}


async def test_a_stream_ends_when_its_key_does(application, keys):
    issued = await keys()
    app = create_app(application)
    turned = [0.0]

    @app.get("/stream", dependencies=[READ])
    async def stream(request: Request) -> StreamingResponse:  # pyright: ignore[reportUnusedFunction]
        async def parts():
            for number in range(1000):
                if number == 3:
                    await application.keys.end(issued.key.key_id)
                    application.key_ring.forget()
                turned[0] += RECHECK_S / 2
                yield f"{number}\n"
                await asyncio.sleep(0)

        assert await principal_of(request)
        return StreamingResponse(parts())

    guarded = Guard(
        app, ring=application.key_ring, auditor=application.auditor, monotonic=lambda: turned[0]
    )
    transport = httpx2.ASGITransport(guarded)
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as asking:
        answer = await asking.get("/stream", headers={"X-API-Key": issued.text})

    sent = answer.text.split()
    assert sent[:3] == ["0", "1", "2"]
    assert len(sent) < 7


async def test_serving_other_machines_without_a_key_is_refused_with_the_cure(application, keys):
    await refuse_open(application, "127.0.0.1")
    with pytest.raises(ConfigurationError, match="wiseflow keys create"):
        await refuse_open(application, "0.0.0.0")

    await keys()

    await refuse_open(application, "0.0.0.0")


async def test_logins_hold_over_a_new_start_and_with_the_same_secret_elsewhere(tmp_path):
    made: list[bytes] = []
    for folder, secret in (("a", ""), ("a", ""), ("b", ""), ("b", "s" * 32), ("c", "s" * 32)):
        environ = {"WISEFLOW_DATA_DIR": str(tmp_path / folder), "WISEFLOW_SECRET_KEY": secret}
        async with open_application(load_settings(environ=environ)) as opened:
            made.append(opened.signing_secret("login"))

    assert made[0] == made[1]
    assert len({made[0], made[2], made[3]}) == 3
    assert made[3] == made[4]
    assert (tmp_path / "a" / "signing.key").stat().st_mode & 0o077 == 0
