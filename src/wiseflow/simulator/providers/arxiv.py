"""arXiv's search, an Atom feed.

Source: arXiv API User's Manual.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from wiseflow.simulator.calls import Call, Incoming, Reply
from wiseflow.simulator.problems import Problem
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.papers import abstract_of, doi_of, read_query
from wiseflow.simulator.providers.results import Only, Result, iso_day, results_of
from wiseflow.simulator.rate_headers import no_headers

SITE = "arxiv.example"
ATOM = "application/atom+xml; charset=UTF-8"
DATES = re.compile(r"submittedDate:\[(\d{12}) TO (\d{12})\]")
NOISE = re.compile(r"\b(?:all|ti|abs|au|cat):|\b(?:AND|OR|ANDNOT)\b|[()\"]")
FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" \
xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
  <id>{address}/arxiv/query</id>
  <title>arXiv Query</title>
  <opensearch:totalResults>{total}</opensearch:totalResults>
{entries}
</feed>
"""
AUTHOR = "    <author><name>{}</name></author>"
ENTRY = """  <entry>
    <id>{url}</id>
    <title>{title}</title>
    <updated>{day}T08:00:00Z</updated>
    <link href="{url}" rel="alternate" type="text/html"/>
    <summary>{abstract}</summary>
    <published>{day}T08:00:00Z</published>
{authors}
    <arxiv:doi>{doi}</arxiv:doi>
  </entry>"""


def problem(found: Problem) -> Reply:
    """An error in arXiv's words: a feed with one entry, or a plain text when it is too much."""
    entry = ENTRY.format(
        url=f"https://arxiv.org/api/errors#{found.kind}",
        title="Error",
        day="2025-01-01",
        abstract=escape(found.message),
        authors=AUTHOR.format("arXiv api core"),
        doi="",
    )
    body = FEED.format(address="https://arxiv.org", total=1, entries=entry)
    return Reply(body=body.encode(), status=found.status, content_type=ATOM)


def read(incoming: Incoming) -> Call:
    """What a search asks for."""
    query = NOISE.sub(" ", DATES.sub(" ", incoming.query.get("search_query", "")))
    return read_query(incoming, query, "max_results", 10, 2000)


def answer(call: Call, desk: Desk) -> Reply:
    """What was found."""
    dates = DATES.search(desk.incoming.query.get("search_query", ""))
    only = Only(since=iso_day(dates[1]), until=iso_day(dates[2])) if dates else Only()
    entries = [_entry(one) for one in results_of(call.query, call.count, desk, only, SITE)]
    body = FEED.format(address=desk.address, total=len(entries), entries="\n".join(entries))
    return Reply(body=body.encode(), content_type=ATOM)


def _entry(one: Result) -> str:
    return ENTRY.format(
        url=one.url,
        title=escape(one.page.title),
        day=one.page.published,
        abstract=escape(abstract_of(one.page)),
        authors="\n".join(AUTHOR.format(escape(name)) for name in one.page.authors),
        doi=doi_of(one.page),
    )


ARXIV = Provider(
    name="arxiv",
    prefix="/arxiv",
    endpoints=(Endpoint(method="GET", path="/query", read=read, answer=answer),),
    problem=problem,
    settings={"ARXIV_API_BASE": ""},
    rate_headers=no_headers,
    keyed=False,
)
