"""Which sources a command asks, against simulated providers."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from wiseflow.app.checking import OPEN_SOURCES
from wiseflow.core.configuration import ACADEMIC_SOURCES
from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.world import World

BRIEF = ("--length", "brief", "--queries", "1", "--json")
SEARCHES = {*map(str, ACADEMIC_SOURCES), "tavily", "wikipedia", "duckduckgo"}


@pytest.fixture(scope="module")
def simulator():
    with SimulatorProcess(SimulatorOptions(time_scale=0.01)) as running:
        yield running


@pytest.fixture
def sim(simulator, monkeypatch):
    """The simulator, to which all search providers are pointed; Tavily is the one set up."""
    simulator.reset()
    simulator.set_faults(FaultPlan())
    for name in SEARCHES:
        setting = f"{name.upper()}_API_BASE"
        monkeypatch.setenv(setting, simulator.settings()[setting])
        monkeypatch.setenv(f"{name.upper()}_RATE_LIMIT", "100000")
    for name, value in (
        ("TAVILY_API_KEY", "tk-1"),
        ("FETCH_ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("PROVIDER_OUTAGE_WAIT", "0"),
        ("RETRY_ATTEMPTS", "1"),
    ):
        monkeypatch.setenv(name, value)
    return simulator


@pytest.fixture(scope="module")
def topic():
    return World(1).topics[0].name


def searched(sim):
    """How many requests each search provider got."""
    asked = Counter(one["provider"] for one in sim.log())
    return {name: count for name, count in asked.items() if name in SEARCHES}


def reports(ended):
    assert ended.code == 0, ended.err
    return [json.loads(line) for line in ended.out.splitlines()]


def test_academic_asks_all_indexes_of_papers_beside_the_web(wiseflow, sim, topic):
    [report] = reports(wiseflow("research", topic, "--academic", *BRIEF))

    assert set(searched(sim)) == {"tavily", *map(str, ACADEMIC_SOURCES)}
    assert report["sections"]
    assert report["sources"]


def test_a_named_index_is_the_only_one(wiseflow, sim, topic):
    options = ("--academic-source", "pubmed", "--academic-source", "openalex")

    reports(wiseflow("research", topic, *options, *BRIEF))

    assert set(searched(sim)) == {"tavily", "pubmed", "openalex"}


def test_papers_alone_are_enough_where_no_web_search_is_set_up(wiseflow, sim, topic, monkeypatch):
    for name in ("TAVILY_API_KEY", "TAVILY_API_BASE"):
        monkeypatch.delenv(name)

    [report] = reports(wiseflow("research", topic, "--academic-source", "crossref", *BRIEF))

    assert set(searched(sim)) == {"crossref"}
    assert all(source["url"].count("/site/doi.example/") for source in report["sources"])
    assert not [one for one in sim.log() if one["provider"] == "web"]


# Two of them: each answers to the contract of all providers besides.
@pytest.mark.parametrize("name", ["arxiv", "wikipedia"])
def test_each_open_source_can_be_the_one_that_searches(wiseflow, sim, topic, name):
    [report] = reports(wiseflow("research", topic, "--search", name, *BRIEF))

    assert set(searched(sim)) == {name}
    assert report["sources"]


def test_documents_and_papers_are_searched_together(wiseflow, sim, topic, tmp_path):
    (tmp_path / "own.md").write_text(f"# Notes\n\nThe {topic} has seven inspectors of our own.\n")
    options = ("--docs", str(tmp_path / "own.md"), "--academic-source", "arxiv")
    question = f"How many inspectors of our own does the {topic} have?"

    [report] = reports(wiseflow("research", question, *options, *BRIEF))

    assert set(searched(sim)) == {"arxiv"}
    assert [source for source in report["sources"] if source["path"].endswith("own.md")]
    assert report["facts"]["lost"] == []


def test_the_web_and_documents_are_searched_together(wiseflow, sim, topic, tmp_path):
    (tmp_path / "own.md").write_text(f"# Notes\n\nThe {topic} has seven inspectors of our own.\n")
    options = ("--search", "tavily", "--docs", str(tmp_path / "own.md"))

    [report] = reports(wiseflow("research", topic, *options, *BRIEF))

    assert set(searched(sim)) == {"tavily"}
    assert {bool(source["url"]) for source in report["sources"]} == {True, False}


def test_a_time_range_holds_for_all_sources(wiseflow, sim, topic):
    options = ("--academic", "--time-range", "2016..2021")

    [report] = reports(wiseflow("research", topic, *options, *BRIEF))

    years = {source["published"][:4] for source in report["sources"]}
    assert years
    assert years <= {str(year) for year in range(2016, 2022)}


@pytest.mark.parametrize(("search", "place"), [("tavily", "/pages/"), ("crossref", "/site/")])
def test_authors_and_sites_reach_the_report(wiseflow, sim, topic, search, place):
    [report] = reports(wiseflow("research", topic, "--search", search, *BRIEF))

    pages = {page.slug: page for page in World(1).pages.values()}
    for source in report["sources"]:
        assert place in source["url"]
        page = pages[source["url"].rpartition("/")[2]]
        assert (source["authors"], source["site"]) == (list(page.authors), page.site)
    first = report["sources"][0]
    stored = json.loads(wiseflow("source", first["id"], "--json").out)
    assert (stored["authors"], stored["site"]) == (first["authors"], first["site"])
    names = ", ".join(first["authors"][:3]) + (" et al" if len(first["authors"]) > 3 else "")
    line = f"{names}. {first['title']}. {first['site']}, published {first['published']}."
    assert line in wiseflow("report", report["id"]).out


def test_an_index_that_is_down_is_a_loss_and_not_the_end(wiseflow, sim, topic):
    rate = FaultRate(kind=FaultKind.UNAVAILABLE, rate=1.0, provider="openalex")
    sim.set_faults(FaultPlan(rates=(rate,)))

    [report] = reports(wiseflow("research", topic, "--academic", *BRIEF))

    lost = report["facts"]["lost"]
    assert lost
    assert all("openalex" in one["reason"] for one in lost)
    assert report["sections"]


def test_private_documents_are_not_searched_for_elsewhere(wiseflow, sim, topic, tmp_path):
    (tmp_path / "secret.md").write_text(f"# Secret\n\nThe {topic} has a secret.\n")
    wiseflow("index", str(tmp_path / "secret.md"), "--collection", "secrets", "--private")

    ended = wiseflow("research", topic, "--collection", "secrets", "--academic", *BRIEF)

    assert ended.code == 2
    assert "'secrets' never leaves this machine, and arxiv would be asked" in ended.err
    assert sim.log() == []


def test_config_check_asks_those_that_are_pointed_elsewhere(wiseflow, sim):
    checked = json.loads(wiseflow("config", "check", "--json").out)

    found = {one["who"]: one for one in checked if one["who"] in OPEN_SOURCES}
    assert set(found) == set(OPEN_SOURCES)
    assert all(one["asked"] and one["works"] for one in found.values())
    assert all("free" in one["detail"] for one in found.values())
