"""The search protocols and the web: results lead to pages, and pages state facts."""

from __future__ import annotations

import pytest

from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate, KeyEnd

NAMES = ("tavily", "exa", "perplexity", "searxng")


async def search(client, sim, name, query: str | list[str] = "", **fields):
    """The answer of a provider."""
    url = sim.url(name) + "/search"
    if name == "searxng":
        return await client.get(url, params={"q": query, "format": "json", **fields})
    return await client.post(url, json={"query": query, **fields})


@pytest.mark.parametrize("name", NAMES)
async def test_results_lead_to_pages_that_state_facts_of_the_question(sim, client, name):
    question = sim.world.question(3)
    results = (await search(client, sim, name, question.text)).json()["results"]
    page = await client.get(results[0]["url"])
    text = page.text.replace("</p>", "\n").replace("<p>", "\n")

    assert results[0]["title"]
    assert set(sim.check(text).stated) & set(question.facts)


@pytest.mark.parametrize("name", NAMES)
async def test_an_empty_answer_has_no_results(sim, client, name):
    sim.set_faults(FaultPlan(rates=(FaultRate(kind=FaultKind.EMPTY, rate=1),)))

    assert (await search(client, sim, name, "harbour")).json()["results"] == []


@pytest.mark.parametrize("name", NAMES)
async def test_a_search_without_a_query_is_refused(sim, client, name):
    assert (await search(client, sim, name)).status_code == 400


@pytest.mark.parametrize(
    ("name", "status"), [("tavily", 432), ("exa", 402), ("perplexity", 429), ("searxng", 429)]
)
async def test_a_spent_quota_has_the_providers_own_status(sim, client, name, status):
    sim.set_faults(FaultPlan(key_ends=(KeyEnd(at_s=0, kind=FaultKind.QUOTA_SPENT),)))

    assert (await search(client, sim, name, "harbour")).status_code == status


async def test_tavily_gives_as_many_results_as_asked_and_more_when_asked(sim, client):
    query = sim.world.question(0).text
    answer = await search(
        client, sim, "tavily", query, max_results=3, include_answer=True, include_raw_content=True
    )
    found = answer.json()

    assert len(found["results"]) == 3
    assert found["answer"]
    assert len(found["results"][0]["raw_content"]) > 2000


async def test_exa_gives_the_contents_that_are_asked_for(sim, client):
    query = sim.world.question(0).text
    contents = {"text": {"maxCharacters": 100}, "highlights": True, "summary": True}
    found = (await search(client, sim, "exa", query, contents=contents)).json()["results"][0]
    plain = (await search(client, sim, "exa", query)).json()["results"][0]

    assert len(found["text"]) == 100
    assert found["highlights"]
    assert found["summary"]
    assert "text" not in plain


async def test_perplexity_answers_several_queries_apart(sim, client):
    queries = [sim.world.question(number).text for number in range(2)]
    found = (await search(client, sim, "perplexity", queries)).json()["results"]

    assert [one[0]["url"] for one in found] == list(dict.fromkeys(one[0]["url"] for one in found))
    assert (await search(client, sim, "perplexity", ["a"] * 6)).status_code == 400


async def test_searxng_gives_pages_of_results_and_json_only_when_asked(sim, client):
    query = sim.world.question(0).text
    first = (await search(client, sim, "searxng", query)).json()["results"]
    second = (await search(client, sim, "searxng", query, pageno=2)).json()["results"]

    assert len(first) == 10
    assert not {one["url"] for one in first} & {one["url"] for one in second}
    assert (await search(client, sim, "searxng", query, pageno="x")).status_code == 400
    assert (await search(client, sim, "searxng", query, format="html")).status_code == 403


async def test_a_page_is_at_its_site_too_and_one_that_is_not_there_is_404(sim, client):
    slug = next(iter(sim.world.pages))
    page = await client.get(f"{sim.address}/pages/{slug}")
    same = await client.get(f"{sim.address}/site/gazette.example/{slug}")

    assert page.headers["content-type"].startswith("text/html")
    assert page.content == same.content
    assert (await client.get(f"{sim.address}/pages/none")).status_code == 404
    assert "Disallow: /private/" in (await client.get(f"{sim.address}/robots.txt")).text
