"""The search providers, over real HTTP: what they ask, and what they make of answers."""

import asyncio
import json
import math
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.providers.servers import KEY, answering, endpoint, serving

from wiseflow.core.asking import SearchRequest
from wiseflow.core.errors import (
    AuthFailed,
    BadRequest,
    InvalidInput,
    MalformedOutput,
    ProviderDown,
    QuotaSpent,
    RateLimited,
)
from wiseflow.core.limits import Allowance, Dimension
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.results import MOST_RESULTS, Found, cut, day, line, read_results

NAMES = ["exa", "perplexity", "searxng", "tavily"]

# As the providers' references show them, with this project's words.
ANSWERS = {
    "tavily": {
        "query": "tides",
        "results": [
            {"title": "Tides", "url": "https://sea.example/tides", "score": 0.9,
             "content": "Tides <b>rise</b> &amp; fall.\n Twice  a day.",
             "raw_content": "Whole\ntext",
             "published_date": "Fri, 02 Aug 2024 05:30:00 GMT"},
            {"title": "Moon", "url": "https://moon.example/", "content": "It pulls.", "score": 0.4},
        ],
        "response_time": 1.1,
    },
    "exa": {
        "requestId": "r", "costDollars": {"total": 0.005},
        "results": [
            {"id": "1", "title": "Tides", "url": "https://sea.example/tides", "score": 0.9,
             "publishedDate": "2024-08-02T05:30:00.000Z", "text": "Whole\ntext",
             "author": "Ada Brandt, Hugo Grieg",
             "highlights": ["Tides rise & fall.", "Twice a day."]},
            {"id": "2", "title": "Moon", "url": "https://moon.example/", "text": "It pulls.",
             "score": 0.4},
        ],
    },
    "perplexity": {
        "id": "r",
        "results": [
            {"title": "Tides", "url": "https://sea.example/tides", "date": "2024-08-02",
             "snippet": "Tides rise & fall. Twice a day.", "last_updated": "2025-01-01"},
            {"title": "Moon", "url": "https://moon.example/", "snippet": "It pulls.", "date": None},
        ],
    },
    "searxng": {
        "query": "tides", "number_of_results": 2, "unresponsive_engines": [["bing", "timeout"]],
        "results": [
            {"title": "Tides", "url": "https://sea.example/tides", "score": 4.0,
             "content": "Tides rise & fall. Twice a day.", "engines": ["a", "b"],
             "publishedDate": "2024-08-02T05:30:00", "template": "paper.html",
             "authors": ["Ada Brandt", "Hugo Grieg"], "journal": "Sea Letters"},
            {"title": "Moon", "url": "https://moon.example/", "content": "It pulls.", "score": 1.0},
        ],
    },
}  # fmt: skip


@pytest.fixture
def provider(registry, make_clients):
    """Makes a provider that asks the server."""

    def make(name, base, **options):
        asked = endpoint(base, provider=name, options=options)
        return registry.search(asked, make_clients())

    return make


async def searched(provider, name, answer, request=None, **others):
    async with serving(answering(answer, **others)) as server:
        reply = await provider(name, server.base).search(request or SearchRequest(query="tides"))
    return reply, server


@pytest.mark.parametrize("name", NAMES)
async def test_results_are_the_same_plain_records_whoever_found_them(provider, name):
    reply, _ = await searched(provider, name, ANSWERS[name])

    first, second = reply.value.results
    assert reply.value.provider == first.provider == name
    assert (first.title, first.url) == ("Tides", "https://sea.example/tides")
    assert first.snippet.replace(" …", "") == "Tides rise & fall. Twice a day."
    assert first.published == "2024-08-02"
    assert second.published == ""
    assert 1 >= first.score > second.score > 0
    assert first.text == ("Whole\ntext" if name in {"exa", "tavily"} else "")
    told = name in {"exa", "searxng"}
    assert first.authors == (("Ada Brandt", "Hugo Grieg") if told else ())
    assert first.site == ("Sea Letters" if name == "searxng" else "")
    assert (second.authors, second.site) == ((), "")
    assert reply.usage.bytes > 0
    assert reply.usage.cost == (0.005 if name == "exa" else None)


@pytest.mark.parametrize("name", NAMES)
async def test_of_an_answer_without_end_the_first_results_are_read(provider, name):
    answers: Any = ANSWERS
    first = answers[name]["results"][0]
    many = [{**first, "url": f"https://sea.example/{number}"} for number in range(MOST_RESULTS)]
    late = {**first, "url": "https://late.example/", "score": 99.0}

    reply, _ = await searched(
        provider, name, {"results": [*many, late]}, SearchRequest(query="tides", limit=20)
    )

    assert len(reply.value.results) == 20
    assert all(one.url.startswith("https://sea.example/") for one in reply.value.results)


@pytest.mark.parametrize("name", NAMES)
async def test_limits_in_headers_are_given_on_success(provider, name):
    headers = {"x-ratelimit-limit": "7"}

    reply, _ = await searched(provider, name, ANSWERS[name], headers=headers)

    assert reply.allowances == (Allowance(dimension=Dimension.REQUESTS, limit=7),)


REQUEST = SearchRequest(
    query="tides", limit=3, language="fr", since="2026-12-24", until="2027-01-10"
)


async def test_tavily_is_asked_as_its_reference_says(provider):
    _, server = await searched(provider, "tavily", ANSWERS["tavily"], REQUEST)

    assert (server.asked[0].method, server.asked[0].path) == ("POST", "/search")
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert json.loads(server.bodies[0]) == {
        "query": "tides", "max_results": 3, "search_depth": "basic", "include_raw_content": False,
        "start_date": "2026-12-24", "end_date": "2027-01-10",
    }  # fmt: skip


async def test_tavily_gives_whole_pages_when_told(provider):
    async with serving(answering(ANSWERS["tavily"])) as server:
        asked = provider("tavily", server.base, include_raw_content=True, search_depth="advanced")
        await asked.search(SearchRequest(query="x" * 390 + " sea" * 10, limit=99))

    body = json.loads(server.bodies[0])
    assert body["include_raw_content"] == "text"
    assert body["search_depth"] == "advanced"
    assert body["max_results"] == 20
    assert len(body["query"]) <= 400
    assert body["query"].endswith(" sea")


async def test_exa_is_asked_as_its_reference_says(provider):
    _, server = await searched(provider, "exa", ANSWERS["exa"], REQUEST)

    assert (server.asked[0].method, server.asked[0].path) == ("POST", "/search")
    assert server.asked[0].headers["x-api-key"] == KEY
    assert json.loads(server.bodies[0]) == {
        "query": "tides", "numResults": 3, "type": "auto",
        "startPublishedDate": "2026-12-24T00:00:00.000Z",
        "endPublishedDate": "2027-01-10T23:59:59.999Z",
        "contents": {"text": {"maxCharacters": 20_000}},
    }  # fmt: skip


async def test_exa_gives_no_text_when_told(provider):
    async with serving(answering(ANSWERS["exa"])) as server:
        await provider("exa", server.base, text_chars=0).search(SearchRequest(query="tides"))

    assert "contents" not in json.loads(server.bodies[0])


async def test_perplexity_is_asked_as_its_reference_says(provider):
    _, server = await searched(provider, "perplexity", ANSWERS["perplexity"], REQUEST)

    assert (server.asked[0].method, server.asked[0].path) == ("POST", "/search")
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert json.loads(server.bodies[0]) == {
        "query": "tides", "max_results": 3, "max_tokens_per_page": 1024,
        "search_language_filter": ["fr"], "search_after_date_filter": "12/24/2026",
        "search_before_date_filter": "01/10/2027",
    }  # fmt: skip


async def test_searxng_is_asked_as_its_reference_says(provider):
    _, server = await searched(provider, "searxng", ANSWERS["searxng"], REQUEST)

    assert (server.asked[0].method, server.asked[0].path) == ("GET", "/search")
    assert dict(server.asked[0].query) == {
        "q": "tides", "format": "json", "language": "fr", "time_range": "month",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("since", "told"),
    [("2027-01-15", "day"), ("2026-12-20", "month"), ("2026-03-01", "year"), ("2020-01-01", None)],
)
async def test_searxng_is_told_the_shortest_time_that_reaches_back(provider, since, told):
    request = SearchRequest(query="tides", since=since)

    _, server = await searched(provider, "searxng", ANSWERS["searxng"], request)

    assert server.asked[0].query.get("time_range") == told


@pytest.mark.parametrize(
    ("since", "until", "kept"),
    [("2024-08-02", "", 2), ("2024-08-03", "", 1), ("", "2024-08-02", 2), ("", "2024-08-01", 1)],
)
async def test_searxngs_results_of_other_days_are_left_out(provider, since, until, kept):
    request = SearchRequest(query="tides", since=since, until=until)

    reply, _ = await searched(provider, "searxng", ANSWERS["searxng"], request)

    assert len(reply.value.results) == kept


async def test_searxng_needs_no_key_and_takes_a_login_from_its_address(registry, make_clients):
    async with serving(answering(ANSWERS["searxng"])) as server:
        asked = Endpoint(
            provider="searxng",
            base_url=server.base.replace("://", "://me:pw@"),
            options={"engines": "a,b", "categories": "science"},
        )
        await registry.search(asked, make_clients()).search(SearchRequest(query="tides"))

    assert server.asked[0].headers["Authorization"].startswith("Basic ")
    assert server.asked[0].query["engines"] == "a,b"
    assert server.asked[0].query["categories"] == "science"


async def test_searxng_without_json_names_the_cure(registry, make_clients):
    async with serving(answering(b"Forbidden", status=403)) as server:
        asked = Endpoint(provider="searxng", base_url=server.base)
        with pytest.raises(BadRequest, match=r"search\.formats"):
            await registry.search(asked, make_clients()).search(SearchRequest(query="tides"))


async def test_a_key_that_searxngs_gate_refuses_is_told_as_such(provider):
    with pytest.raises(AuthFailed, match="SEARXNG_API_KEY"):
        await searched(provider, "searxng", b"no", status=401)


async def test_searxng_whose_engines_are_silent_is_down_and_has_not_found_nothing(provider):
    answer = {"results": [], "unresponsive_engines": [["google", "CAPTCHA"]]}

    with pytest.raises(ProviderDown):
        await searched(provider, "searxng", answer)


@pytest.mark.parametrize("name", NAMES)
async def test_a_search_that_finds_nothing_is_an_answer(provider, name):
    reply, _ = await searched(provider, name, {"results": []})

    assert reply.value.results == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "answer",
    [b"", b'{"results": [{"ti', b"<html>busy</html>", {}, [], "well", 3, {"results": None},
     {"results": {"0": {}}}, {"results": [3, None, "x"]}, {"results": [{"title": "no address"}]},
     {"results": [{"url": "javascript:alert(1)"}, {"url": "/relative"}, {"url": 7}]}],
)  # fmt: skip
async def test_an_answer_of_another_shape_is_told_as_such(provider, name, answer):
    with pytest.raises(MalformedOutput) as caught:
        await searched(provider, name, answer)

    assert caught.value.provider == name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthFailed), (402, QuotaSpent), (429, RateLimited), (500, ProviderDown)],
)
async def test_refusals_are_of_their_kind_and_hold_no_key(provider, name, status, kind):
    with pytest.raises(kind) as caught:
        await searched(provider, name, {"error": f"{KEY} tides"}, status=status)

    assert KEY not in f"{caught.value!r}"
    assert "tides" not in f"{caught.value!r}"


@pytest.mark.parametrize("name", ["exa", "perplexity", "tavily", "searxng"])
async def test_a_day_that_is_none_is_refused_before_anything_is_sent(provider, name):
    with pytest.raises(InvalidInput, match="no date"):
        await searched(provider, name, {}, SearchRequest(query="x", since="yesterday"))


@pytest.mark.parametrize("name", NAMES)
async def test_what_a_provider_shows_of_itself_holds_no_key(provider, name):
    assert KEY not in repr(provider(name, "http://127.0.0.1:9"))


@pytest.mark.parametrize("name", NAMES)
async def test_a_good_key_is_found_good(provider, name):
    async with serving(answering(ANSWERS[name])) as server:
        tested = await provider(name, server.base).test_key()

    assert tested.valid
    assert tested.address == server.base
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_a_wrong_key_is_found_wrong_with_its_setting(provider, name):
    async with serving(answering({}, status=401)) as server:
        tested = await provider(name, server.base).test_key()

    assert not tested.valid
    assert f"{name.upper()}_API_KEY" in tested.detail
    assert KEY not in tested.detail


@pytest.mark.parametrize("name", NAMES)
async def test_a_key_whose_quota_is_spent_is_valid_with_nothing_left(provider, name):
    async with serving(answering({}, status=402)) as server:
        tested = await provider(name, server.base).test_key()

    assert tested.valid
    assert tested.remaining == "nothing"


@pytest.mark.parametrize("name", NAMES)
async def test_a_test_without_an_answer_tells_nothing_of_the_key(provider, name):
    async with serving(answering({}, status=503)) as server:
        with pytest.raises(ProviderDown):
            await provider(name, server.base).test_key()


@pytest.mark.parametrize(
    ("usage", "remaining"),
    [
        ({"key": {"usage": 150, "limit": 1000}}, "850 of 1000 credits"),
        ({"key": {"usage": 150, "limit": None}, "account": {"plan_usage": 7, "plan_limit": 5}},
         "0 of 5 credits"),
        ({"key": {"usage": 150}}, ""),
        ([], ""),
    ],
)  # fmt: skip
async def test_tavily_tells_what_is_left(provider, usage, remaining):
    async with serving(answering(usage)) as server:
        tested = await provider("tavily", server.base).test_key()

    assert server.asked[0].path == "/usage"
    assert tested.remaining == remaining


async def test_what_only_speaks_like_tavily_is_tested_by_a_search(provider):
    async def handler(request):
        if request.path != "/search":
            raise web.HTTPNotFound
        return web.json_response(ANSWERS["tavily"])

    async with serving(handler) as server:
        tested = await provider("tavily", server.base).test_key()

    assert tested.valid
    assert json.loads(server.bodies[1])["max_results"] == 1


async def test_the_latency_of_a_test_is_told(registry, make_clients):
    clients = make_clients()

    async def slow(request):
        await clients.clock.sleep(1.5)
        return web.json_response(ANSWERS["exa"])

    async with serving(slow) as server:
        tested = await registry.search(endpoint(server.base, provider="exa"), clients).test_key()

    assert tested.latency_s == pytest.approx(1.5)


async def test_a_hundred_searches_run_side_by_side(provider):
    async def slow(request):
        await asyncio.sleep(0.3)
        return web.json_response(ANSWERS["exa"])

    async with serving(slow) as server, asyncio.timeout(10), asyncio.TaskGroup() as group:
        asked = provider("exa", server.base)
        tasks = [group.create_task(asked.search(SearchRequest(query=str(n)))) for n in range(100)]

    assert all(len(task.result().value.results) == 2 for task in tasks)


ASKED = Endpoint(provider="any", base_url="https://a.b")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)  # JSON has numbers that no float can hold
    | st.floats()
    | st.text("a<b> &\x00\ud800é", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["results", "title", "url", "score"]), inner, max_size=4)
    ),
    max_leaves=12,
)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "title": JSON,
        "url": st.sampled_from(["https://a.b/1", "https://a.b/2", "http://[", "x:y"]) | JSON,
        "snippet": JSON,
        "published": st.sampled_from(["2024-01-02", "2024", "Fri, 02 Aug 2024 05:30 GMT"]) | JSON,
        "score": st.floats(-1, 9) | JSON,
        "text": JSON,
        "authors": JSON,
        "site": JSON,
    },
)


def read(item):
    names = ("title", "url", "snippet", "published", "score", "text", "authors", "site")
    return Found(**{name: item.get(name) for name in names})


@given(JSON | st.fixed_dictionaries({"results": st.lists(ITEM, max_size=6)}), st.integers(1, 4))
def test_whatever_is_answered_becomes_sound_results_or_one_error(body, limit):
    try:
        results = read_results(ASKED, body, read, limit=limit)
    except MalformedOutput:
        return

    assert len(results) <= limit
    assert len({one.url for one in results}) == len(results)
    assert [one.score for one in results] == sorted((r.score for r in results), reverse=True)
    for one in results:
        assert 0 < one.score <= 1
        assert math.isfinite(one.score)
        assert one.title
        assert one.url.startswith("http")
        f"{one}".encode()  # no lone surrogate
        assert "\x00" not in f"{one.title}{one.snippet}{one.text}"


def test_scores_that_not_all_have_give_way_to_the_rank():
    body = {"results": [{"url": "https://a.b/1"}, {"url": "https://a.b/2", "score": 0.9}]}

    results = read_results(ASKED, body, read, limit=5)

    assert [(one.url, one.score) for one in results] == [
        ("https://a.b/1", 1.0),
        ("https://a.b/2", 0.5),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a &lt; b and c > d", "a < b and c > d"), ("<p class='x'>one</p>\n two", "one two"),
     ("2 < 3 > 1", "2 < 3 > 1"), (None, ""), (5, "")],
)  # fmt: skip
def test_a_line_is_plain_text(text, shown):
    assert line(text) == shown


@pytest.mark.parametrize(
    ("text", "found"),
    [("2024-08-02", "2024-08-02"), ("2024-08-02T05:30:00.000Z", "2024-08-02"), ("2024", ""),
     ("Fri, 02 Aug 2024 05:30:00 GMT", "2024-08-02"), ("August", ""), (None, ""), (20240802, ""),
     ("99999-01-01", "")],
)  # fmt: skip
def test_a_day_is_an_iso_date_or_nothing(text, found):
    assert day(text) == found


@pytest.mark.parametrize(
    ("text", "length", "begins"),
    [("one two three", 8, "one two"), ("one two", 7, "one two"), ("onetwothree", 5, "onetw"),
     ("one two", 3, "one")],
)  # fmt: skip
def test_a_text_is_cut_at_the_end_of_a_word(text, length, begins):
    assert cut(text, length) == begins
