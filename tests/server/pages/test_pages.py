"""Pages as they are answered, without a browser."""

import re
from html import unescape

import httpx2
import pytest

from wiseflow.app.services.schedules import SchedulesService
from wiseflow.app.services.webhooks import WebhooksService
from wiseflow.core.access import LOCAL, Scope
from wiseflow.core.instances import InstanceKind, Sign
from wiseflow.core.schedules import ScheduleSpec
from wiseflow.core.webhooks import WebhookSpec
from wiseflow.server.factory import create_app
from wiseflow.storage.sql.instances import SqlInstanceStore
from wiseflow.storage.sql.schema import open_database

PAGES = (
    "/dashboard",
    "/dashboard/new",
    "/dashboard/queue",
    "/dashboard/library",
    "/dashboard/compare",
    "/performance",
    "/dashboard/settings",
    "/login",
)
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>{{7*7}}\u202e'


async def submit(client, **form):
    answer = await client.post("/dashboard/new", data={"topics": "Tides", **form})
    assert answer.status_code == 303
    return answer.headers["Location"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_its_headers_and_its_landmarks(client, path):
    answer = await client.get(path)

    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.text
    assert len(re.findall(r"<h1[ >]", text)) == 1
    assert len(re.findall(r"<main[ >]", text)) == 1
    assert re.search(r"<title>[^<]+ · WiseFlow</title>", text)
    assert "style=" not in text
    assert not re.search(r"<script(?! src=)", text)
    assert not re.search(r"\son\w+=", text)


async def test_the_front_leads_to_the_dashboard(client):
    answer = await client.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/dashboard")


async def test_a_form_starts_a_research_and_leads_to_it(client):
    where = await submit(client, research_mode="graph")

    page = await client.get(where)

    assert page.status_code == 200
    assert "Tides" in page.text
    assert "queued" in page.text
    assert "graph" in page.text


async def test_many_topics_become_many_researches(client):
    answer = await client.post("/dashboard/new", data={"topics": "Tides\nMoon\nTides"})

    assert answer.headers["Location"] == "/dashboard/queue"
    queue = (await client.get("/dashboard/queue")).text
    assert queue.count("<tr><td") == 2


async def test_a_form_that_is_sent_twice_starts_one(client):
    sent = {"topics": "Tides", "batch": "b-1"}

    first = await client.post("/dashboard/new", data=sent)
    second = await client.post("/dashboard/new", data=sent)

    assert first.headers["Location"] == second.headers["Location"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"topics": "  "}, "no topic"),
        ({"topics": "T", "money": "lots"}, "lots"),
        ({"topics": "T", "research_mode": "deepest"}, "deepest"),
        ({"topics": "T", "search_api": "tavily"}, "LOCAL_ONLY"),
    ],
)
async def test_what_cannot_be_used_is_said_and_nothing_typed_is_lost(client, form, said):
    answer = await client.post("/dashboard/new", data={"tags": "kept-tag", **form})

    assert answer.status_code == 422
    assert said in unescape(answer.text)
    assert "kept-tag" in answer.text


async def test_an_estimate_starts_nothing(client):
    answer = await client.post("/dashboard/new/estimate", data={"topics": "Tides\nMoon"})

    assert "2 topics" in answer.text
    assert "costs nothing" in answer.text
    assert "Nothing waits" in (await client.get("/dashboard/queue")).text


async def test_what_is_hostile_is_shown_as_text(client):
    where = await submit(client, topics=HOSTILE, tags=HOSTILE)
    paths = [
        where,
        f"{where}/log",
        "/dashboard",
        "/dashboard/queue",
        f"/dashboard/library?q={HOSTILE}",
    ]

    for path in paths:
        text = (await client.get(path)).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "49" not in re.findall(r"<h1[^>]*>([^<]*)", text)[0]
        assert "\u202e" not in text


async def test_a_research_is_cancelled_resumed_and_deleted_by_forms(client):
    where = await submit(client)

    await client.post(f"{where}/cancel")
    assert "cancelled" in (await client.get(where)).text
    await client.post(f"{where}/resume")
    assert "queued" in (await client.get(where)).text
    await client.post(f"{where}/cancel")
    gone = await client.post(f"{where}/delete")

    assert (gone.status_code, gone.headers["Location"]) == (303, "/dashboard")
    assert (await client.get(where)).status_code == 404


async def test_what_cannot_be_done_is_said_on_a_page(client):
    where = await submit(client)

    answer = await client.post(f"{where}/approve", data={"title": "T"})

    assert answer.status_code == 409
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/nowhere",
        "/dashboard/research/x",
        "/dashboard/library/source/x",
        "/dashboard/library/collection/x",
        "/static/x.css",
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(client, path):
    answer = await client.get(path)

    assert answer.status_code == 404
    assert "<h1>Not Found</h1>" in answer.text


async def test_a_view_that_there_is_not_is_a_page_that_says_so(client):
    where = await submit(client)

    assert (await client.get(f"{where}/colour")).status_code == 422


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
async def test_a_form_of_another_site_is_refused(client, headers):
    answer = await client.post("/dashboard/new", data={"topics": "Tides"}, headers=headers)

    assert answer.status_code == 403
    assert "Nothing waits" in (await client.get("/dashboard/queue")).text


async def test_a_form_of_our_own_is_taken(client):
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://server"}

    answer = await client.post("/dashboard/new", data={"topics": "Tides"}, headers=headers)

    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("back", "where"),
    [
        ("/performance", "/performance"),
        ("//evil.example", "/dashboard"),
        ("https://evil.example", "/dashboard"),
        ("/\\evil.example", "/dashboard"),
    ],
)
async def test_a_theme_is_kept_and_leads_back_to_a_page_of_ours(client, back, where):
    answer = await client.post("/dashboard/theme", data={"theme": "dark", "back": back})

    assert answer.headers["Location"] == where
    page = await client.get("/dashboard", headers={"Cookie": "wiseflow-theme=dark"})
    assert 'data-theme="dark"' in page.text


async def test_a_theme_that_there_is_not_is_not_kept(client):
    answer = await client.post("/dashboard/theme", data={"theme": '"><script>'})

    assert "set-cookie" not in answer.headers
    page = await client.get("/dashboard", headers={"Cookie": "wiseflow-theme=x"})
    assert 'data-theme="auto"' in page.text


async def test_every_link_of_every_page_is_under_the_path_of_a_proxy(application):
    transport = httpx2.ASGITransport(create_app(application, host="127.0.0.1"), root_path="/wise")
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        made = await client.post("/dashboard/new", data={"topics": "Tides"})
        where = made.headers["Location"]
        assert where.startswith("/wise/dashboard/research/")
        own = where.removeprefix("/wise")
        for path in (*PAGES, own, f"{own}/log", "/dashboard/nowhere"):
            text = (await client.get(path)).text
            places = re.findall(r'\s(?:href|src|action|formaction|data-\w+)="(/[^"]*)"', text)
            assert places
            assert [one for one in places if not one.startswith("/wise/")] == []


async def test_assets_are_kept_for_ever_under_an_address_of_their_own(client):
    page = (await client.get("/login")).text
    [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)

    answer = await client.get(style)

    assert "?v=" in style
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"].startswith("text/css")


async def test_secrets_are_not_on_the_page_of_settings(client):
    text = (await client.get("/dashboard/settings")).text

    assert "TAVILY_API_KEY" in text
    assert "not set" in text


async def test_the_stream_of_a_research_that_has_ended_says_so_and_ends(client):
    where = await submit(client)
    await client.post(f"{where}/cancel")

    answer = await client.get(f"{where}/stream", headers={"Last-Event-ID": "7"})

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.text == "id: 7\nevent: ended\ndata: 7\n\n"


async def test_the_stream_of_what_is_not_there_is_refused(client):
    assert (await client.get("/dashboard/research/nowhere/stream")).status_code == 404


async def test_the_performance_page_draws_what_was_sampled(client, application):
    early = (await client.get("/performance")).text
    assert "The first sample is taken" in early
    assert "figure-1" not in early

    await application.meter.series.take()
    text = (await client.get("/performance?range=15m")).text

    assert "The first sample is taken" not in text
    for name in ("CPU and memory", "Jobs per minute", "API latency", "Queue", "Errors per minute"):
        assert name in text
    assert re.search(r'<svg class="chart"[^>]* aria-label="CPU and memory"', text)
    assert '<th scope="col">From (UTC)</th><th scope="col">CPU</th>' in text
    assert 'range=15m" aria-current' in text
    assert len(text) < 60_000


async def test_a_range_that_there_is_not_is_a_page_that_says_so(client):
    answer = await client.get("/performance?range=7d")

    assert answer.status_code == 422
    assert "range" in answer.text


async def test_the_last_hour_is_for_administrators_who_others_are_told_of(
    client, application, keys
):
    await application.meter.series.take()
    reader = await keys(scope=Scope.READ)

    headers = {"Authorization": f"Bearer {reader.text}"}
    text = (await client.get("/performance", headers=headers)).text

    assert "wiseflow keys create NAME --scope admin" in text
    assert "figure-1" not in text
    assert "Researches ended" in text


async def test_the_queue_shows_the_processes_to_administrators(client, settings, keys):
    database = await open_database(settings.database_url)
    sign = Sign(
        name="box-1", kind=InstanceKind.WORKER, host="box", version="1", capacity=3, running=1
    )
    await SqlInstanceStore(database).beat(sign)
    await database.close()

    pages = []
    for scope in (Scope.ADMIN, Scope.READ):
        issued = await keys(scope=scope)
        headers = {"Authorization": f"Bearer {issued.text}"}
        pages.append((await client.get("/dashboard/queue", headers=headers)).text)

    assert all("1 of 3 places taken in 1 process" in text for text in pages)
    assert ["box-1" in text for text in pages] == [True, False]
    assert "just now" in pages[0]


async def test_a_schedule_is_paused_resumed_and_run_by_forms(client, application):
    service = SchedulesService(application, LOCAL)
    added = await service.add(ScheduleSpec(name="tides", cron="0 7 * * *", topic=HOSTILE))
    place = f"/dashboard/settings/schedules/{added.schedule_id}"
    text = (await client.get("/dashboard/settings")).text
    assert re.search(r"<time [^>]*>in \d+ h", text)
    assert "<script>alert" not in text

    paused = await client.post(f"{place}/pause")
    assert paused.headers["Location"] == "/dashboard/settings#schedules"
    assert (await service.schedule(added.schedule_id)).next_at is None
    assert "resume" in (await client.get("/dashboard/settings")).text
    await client.post(f"{place}/resume")
    assert (await service.schedule(added.schedule_id)).next_at == added.next_at
    run = await client.post(f"{place}/run")

    assert "queued" in (await client.get(run.headers["Location"])).text


async def test_keys_and_webhooks_are_shown_to_administrators_and_keys_revoked(
    client, application, keys
):
    spec = WebhookSpec(url="http://127.0.0.1:9/hook")
    made = await WebhooksService(application, LOCAL).add(spec)
    admin, reader = await keys(scope=Scope.ADMIN), await keys(name="rd", scope=Scope.READ)
    as_admin = {"X-API-Key": admin.text}

    text = (await client.get("/dashboard/settings", headers=as_admin)).text
    assert spec.url in text
    assert reader.key.key_id in text
    assert not any(secret in text for secret in (made.secret, admin.text, reader.text))
    of_reader = await client.get("/dashboard/settings", headers={"X-API-Key": reader.text})
    assert spec.url not in of_reader.text
    assert admin.key.key_id not in of_reader.text
    place = f"/dashboard/settings/keys/{reader.key.key_id}/revoke"
    assert (await client.post(place, headers=as_admin)).status_code == 303

    assert "revoked" in (await client.get("/dashboard/settings", headers=as_admin)).text
    gone = await client.get("/dashboard/settings", headers={"X-API-Key": reader.text})
    assert (gone.status_code, gone.headers["Location"]) == (303, "/login")
