"""PubMed: papers of medicine and biology; each result has the paper's abstract as its text.

A search is two requests: one for the numbers of papers, one for the papers.

Source: ncbi.nlm.nih.gov/books/NBK25499, "The E-utilities In-Depth", and NBK25497 for usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from xml.etree.ElementTree import Element

from wiseflow.core.asking import SearchAnswer, SearchRequest
from wiseflow.core.calls import CallKind, Reply
from wiseflow.core.limits import Allowance, Dimension
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.key_tests import Told
from wiseflow.providers.registry import ProviderSpec
from wiseflow.providers.results import Found, asked_day, first_day, mapping, plain, read_results
from wiseflow.providers.search_base import SearchBase
from wiseflow.providers.shapes import items_of, text_of
from wiseflow.providers.statuses import malformed
from wiseflow.providers.xml_bodies import child, local_name, named, read_xml, text

BASE = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
PAPER = "https://pubmed.ncbi.nlm.nih.gov/{}/"
MOST_RESULTS = 100
FIRST, LAST = "1000/01/01", "3000/12/31"  # both ends of a range must be given
# Three requests a second without a key and ten with one; a search is two.
PACE, PACE_WITH_KEY = 1.0, 5.0
# Source: NLM, "Language Table"; where PubMed has no code of ours, it is asked without.
_LANGUAGES = {
    "ar": "ara", "cs": "cze", "da": "dan", "de": "ger", "en": "eng", "es": "spa", "fi": "fin",
    "fr": "fre", "hu": "hun", "it": "ita", "ja": "jpn", "ko": "kor", "nl": "dut", "no": "nor",
    "pl": "pol", "pt": "por", "ru": "rus", "sv": "swe", "tr": "tur", "uk": "ukr", "zh": "chi",
}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class PubMed(SearchBase):
    """Searches PubMed. It knows dates and languages, and gives no scores: rank counts.

    Args:
        endpoint: a key is not needed, and makes it answer more often; its option is ``contact``: a
            mail address that is sent along.
        clients: used to ask.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients) -> None:
        self._api = JsonApi(endpoint, clients, {"Accept": "application/json, text/xml"})
        rate = PACE_WITH_KEY if endpoint.api_key else PACE
        pace = Allowance(dimension=Dimension.REQUESTS, limit=rate, window_s=1.0)
        super().__init__(endpoint, clients, pace=(pace,) if endpoint.base_url == BASE else ())

    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""
        asked = await self._api.get("esearch.fcgi", self._params(request))
        numbers = _numbers(self._endpoint, asked.body)
        papers: list[dict[str, object]] = []
        replies = [asked]
        if numbers:
            wanted = {**self._named, "id": ",".join(numbers), "retmode": "xml"}
            told = await self._api.get("efetch.fcgi", wanted, read=read_xml)
            papers = _papers(self._endpoint, cast("Element", told.body))
            replies.append(told)
        papers.sort(key=lambda paper: numbers.index(str(paper["number"])))
        results = read_results(self._endpoint, {"results": papers}, _found, limit=request.limit)
        return self._answer(results, *replies)

    async def _test(self) -> Told:
        await self._api.get("esearch.fcgi", self._params(SearchRequest(query="test", limit=1)))
        return Told()

    @property
    def _named(self) -> dict[str, str]:
        told = {
            "db": "pubmed",
            "tool": "wiseflow",
            "email": str(self._endpoint.options.get("contact") or ""),
            "api_key": self._endpoint.api_key,
        }
        return {name: value for name, value in told.items() if value}

    def _params(self, request: SearchRequest) -> dict[str, str]:
        language = _LANGUAGES.get(request.language, "")
        since, until = asked_day(request.since), asked_day(request.until)
        told = {
            **self._named,
            "term": f"({request.query}) AND {language}[la]" if language else request.query,
            "retmode": "json",
            "retmax": str(min(max(request.limit, 1), MOST_RESULTS)),
            "sort": "relevance",
        }
        if since or until:
            told |= {
                "datetype": "pdat",
                "mindate": since.isoformat().replace("-", "/") if since else FIRST,
                "maxdate": until.isoformat().replace("-", "/") if until else LAST,
            }
        return told


def _numbers(endpoint: Endpoint, body: object) -> list[str]:
    found = mapping(mapping(body).get("esearchresult")).get("idlist")
    if not isinstance(found, list):
        raise malformed(endpoint, "without a list of papers")
    return [one for one in map(text_of, items_of(cast("object", found))) if one.isdecimal()]


def _papers(endpoint: Endpoint, root: Element) -> list[dict[str, object]]:
    if local_name(root) != "PubmedArticleSet":
        raise malformed(endpoint, "without a set of papers")
    return [_paper(one) for one in named(root, "PubmedArticle")]


def _paper(paper: Element) -> dict[str, object]:
    article = child(paper, "MedlineCitation", "Article")
    abstract = child(article, "Abstract")
    parts = named(abstract, "AbstractText") if abstract is not None else ()
    issued = child(article, "ArticleDate") or child(article, "Journal", "JournalIssue", "PubDate")
    ids = child(paper, "PubmedData", "ArticleIdList")
    authors = child(article, "AuthorList")
    return {
        "number": text(child(paper, "MedlineCitation", "PMID")),
        "title": text(child(article, "ArticleTitle")),
        "abstract": "\n\n".join(filter(None, map(_part, parts))),
        "published": _day(issued),
        "authors": [_author(one) for one in named(authors, "Author")] if authors else [],
        "site": text(child(article, "Journal", "Title")),
        "doi": next((text(one) for one in ids if one.get("IdType") == "doi"), "") if ids else "",
    }


def _author(told: Element) -> str:
    """The name of a person, which comes in parts, or of a group."""
    parts = (text(child(told, part)) for part in ("ForeName", "LastName", "Suffix"))
    return " ".join(filter(None, parts)) or text(child(told, "CollectiveName"))


def _part(part: Element) -> str:
    label, said = part.get("Label", ""), " ".join(text(part).split())
    return f"{label.capitalize()}: {said}" if label and said else said


def _day(issued: Element | None) -> str:
    """The date, as far as it is told; of "2019 Jan-Feb" the year."""
    year = text(child(issued, "Year")) or text(child(issued, "MedlineDate"))[:4]
    month = text(child(issued, "Month")).lower()[:3]
    told = str(_MONTHS.index(month) + 1) if month in _MONTHS else month
    parts = [year, told, text(child(issued, "Day")) if told else ""]
    return first_day(*(int(part) for part in parts if part.isdecimal()))


def _found(item: Mapping[str, Any]) -> Found:
    number = item.get("number")
    return Found(
        title=plain(text_of(item.get("title"))),
        url=PAPER.format(number) if number else None,
        snippet=None,
        published=item.get("published"),
        text=item.get("abstract"),
        doi=item.get("doi"),
        authors=item.get("authors"),
        site=item.get("site"),
    )


SPEC = ProviderSpec(
    name="pubmed",
    kinds=frozenset({CallKind.SEARCH}),
    default_base=BASE,
    key_required=False,
    make=PubMed,
    about="Papers of medicine, by E-utilities: free, 3 requests a second, 10 with a free key",
)
