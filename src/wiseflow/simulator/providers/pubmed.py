"""PubMed's search and papers, by NCBI's E-utilities.

Source: The E-utilities In-Depth: Parameters, Syntax and More.
"""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

from wiseflow.simulator.calls import Call, CallKind, Incoming, Reply, encode
from wiseflow.simulator.problems import Problem, ProblemKind, bad_request, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.papers import abstract_of, doi_of, number_of, read_query
from wiseflow.simulator.providers.results import WRITTEN_IN, Only, iso_day, results_of
from wiseflow.simulator.rate_headers import no_headers
from wiseflow.simulator.world import Page

LANGUAGE = re.compile(r"\bAND (\w{3})\[la\]")
ENGLISH = "eng"
SET = """<?xml version="1.0" ?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" \
"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">
<PubmedArticleSet>{papers}</PubmedArticleSet>
"""
PAPER = """<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{number}</PMID>\
<Article><Journal><JournalIssue><PubDate><Year>{year}</Year><Month>{month}</Month>\
<Day>{day}</Day></PubDate></JournalIssue><Title>{site}</Title></Journal>\
<ArticleTitle>{title}</ArticleTitle>\
<Abstract><AbstractText Label="RESULTS">{abstract}</AbstractText></Abstract>\
<AuthorList CompleteYN="Y">{authors}</AuthorList>\
<Language>eng</Language></Article></MedlineCitation><PubmedData><ArticleIdList>\
<ArticleId IdType="pubmed">{number}</ArticleId><ArticleId IdType="doi">{doi}</ArticleId>\
</ArticleIdList></PubmedData></PubmedArticle>"""
AUTHOR = """<Author ValidYN="Y"><LastName>{family}</LastName><ForeName>{given}</ForeName>\
<Initials>{initial}</Initials></Author>"""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def problem(found: Problem) -> Reply:
    """An error in NCBI's words."""
    match found.kind:
        case ProblemKind.KEY_INVALID:
            return error_reply(
                400, {"error": "API key invalid", "api-key": "…", "status": "unknown"}
            )
        case ProblemKind.RATE_LIMITED:
            return error_reply(429, {"error": "API rate limit exceeded", "count": "4"})
        case _:
            return error_reply(found.status, {"error": found.message})


def read_search(incoming: Incoming) -> Call:
    """What a search asks for."""
    if incoming.query.get("db") != "pubmed":
        raise bad_request("Invalid db name specified")
    term = LANGUAGE.sub(" ", incoming.query.get("term", ""))
    return read_query(incoming, term, "retmax", 20, 10_000)


def answer_search(call: Call, desk: Desk) -> Reply:
    """The numbers of what was found."""
    asked = desk.incoming.query
    language = LANGUAGE.search(asked.get("term", ""))
    foreign = language is not None and language[1] != ENGLISH
    only = Only(
        since=iso_day(asked.get("mindate", "")),
        until=iso_day(asked.get("maxdate", "")),
        language="" if not foreign else "other than " + WRITTEN_IN,
    )
    numbers = [str(number_of(one.page)) for one in results_of(call.query, call.count, desk, only)]
    told: dict[str, Any] = {
        "header": {"type": "esearch", "version": "0.3"},
        "esearchresult": {"count": str(len(numbers)), "retstart": "0", "idlist": numbers},
    }
    return Reply(body=encode(told))


def read_papers(incoming: Incoming) -> Call:
    """Which papers are asked for."""
    numbers = tuple(filter(None, incoming.query.get("id", "").split(",")))
    if not numbers:
        raise bad_request("id parameter is empty")
    return Call(kind=CallKind.SEARCH, texts=numbers)


def answer_papers(call: Call, desk: Desk) -> Reply:
    """The papers; those that are not known are left out."""
    wanted = set(call.texts)
    found = {str(number_of(page)): page for page in desk.shop.world.pages.values()}
    papers = "".join(_paper(page) for number, page in found.items() if number in wanted)
    return Reply(body=SET.format(papers=papers).encode(), content_type="text/xml; charset=UTF-8")


def _paper(page: Page) -> str:
    year, month, day = page.published.split("-")
    return PAPER.format(
        number=number_of(page),
        year=year,
        month=MONTHS[int(month) - 1],
        day=day,
        site=escape(page.site),
        title=escape(page.title),
        abstract=escape(abstract_of(page)),
        authors="".join(map(_author, page.authors)),
        doi=doi_of(page),
    )


def _author(name: str) -> str:
    given, _, family = name.partition(" ")
    return AUTHOR.format(family=escape(family), given=escape(given), initial=given[0])


PUBMED = Provider(
    name="pubmed",
    prefix="/pubmed",
    endpoints=(
        Endpoint(method="GET", path="/esearch.fcgi", read=read_search, answer=answer_search),
        Endpoint(method="GET", path="/efetch.fcgi", read=read_papers, answer=answer_papers),
    ),
    problem=problem,
    settings={"PUBMED_API_BASE": ""},
    rate_headers=no_headers,
)
