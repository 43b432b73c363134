"""arXiv, PubMed, OpenAlex, Crossref, Wikipedia and DuckDuckGo: what is asked, what is made of it.

The answers are as the services' references show them, with this project's words.
"""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.providers.servers import KEY, answering, endpoint, serving

from wiseflow.core.asking import SearchRequest
from wiseflow.core.errors import AuthFailed, BadRequest, MalformedOutput, RateLimited
from wiseflow.core.limits import Allowance, Dimension
from wiseflow.providers import arxiv, pubmed
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.headers import allowances
from wiseflow.providers.results import doi, first_day
from wiseflow.providers.xml_bodies import DEEPEST, MOST_ELEMENTS, child, read_xml, text

REQUEST = SearchRequest(
    query="Tidal AND power", limit=3, language="fr", since="2020-02-01", until="2024-12-31"
)
FEED = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">
<entry><id>http://arxiv.org/abs/2101.00001v2</id><published>2021-01-02T03:04:05Z</published>
<title>Tides\n  and &lt;power&gt;</title><summary>  Tides rise\n and fall. </summary>
<arxiv:doi>10.1000/Sea.7</arxiv:doi><author><name>Ada Brandt</name>
<arxiv:affiliation>Sea</arxiv:affiliation></author><author><name>Hugo Grieg</name></author></entry>
<entry><id>http://arxiv.org/abs/math/0211159v1</id><title>Moon</title></entry></feed>"""
FOUND = b'{"esearchresult": {"count": "2", "idlist": ["22", "11"]}}'
PAPERS = """<?xml version="1.0"?><!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD" "http://127.0.0.1:9/x">
<PubmedArticleSet>
<PubmedArticle><MedlineCitation><PMID>11</PMID><Article><Journal><JournalIssue><PubDate>
<MedlineDate>2019 Jan-Feb</MedlineDate></PubDate></JournalIssue></Journal>
<ArticleTitle>Moon</ArticleTitle></Article></MedlineCitation></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>22</PMID><Article><Journal><JournalIssue><PubDate>
<Year>2021</Year><Month>Mar</Month></PubDate></JournalIssue><Title>Sea and health</Title></Journal>
<ArticleTitle>Tides and <i>health</i></ArticleTitle><Abstract>
<AbstractText Label="AIM">To <b>look</b>.</AbstractText><AbstractText>Tides rise.</AbstractText>
</Abstract><AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>Brandt</LastName>
<ForeName>Ada B</ForeName><Initials>AB</Initials></Author>
<Author><CollectiveName>The Tide Group</CollectiveName></Author></AuthorList>
</Article></MedlineCitation><PubmedData><ArticleIdList>
<ArticleId IdType="doi">10.1000/sea.8</ArticleId></ArticleIdList></PubmedData></PubmedArticle>
</PubmedArticleSet>"""
WORKS = {
    "meta": {"count": 1},
    "results": [
        {
            "id": "https://openalex.org/W1", "doi": "https://doi.org/10.1000/SEA.9",
            "display_name": "Tides", "publication_date": "2021-05-06", "relevance_score": 31.5,
            "primary_location": {
                "landing_page_url": "https://sea.example/9",
                "source": {"display_name": "Sea Letters"},
            },
            "authorships": [
                {"author": {"display_name": "Ada Brandt", "orcid": None}},
                {"author": None, "raw_author_name": "?"}, 5,
            ],
            "abstract_inverted_index": {"rise": [1, 4], "Tides": [0], "and": [2, "x"], "so": [3]},
        },
        {"id": "https://openalex.org/W2", "doi": None, "display_name": None,
         "primary_location": None, "abstract_inverted_index": None},
    ],
}  # fmt: skip
ITEMS = {
    "status": "ok",
    "message": {
        "items": [
            {"DOI": "10.1000/Sea.9", "URL": "https://doi.org/10.1000/sea.9", "score": 9.5,
             "author": [
                 {"given": "Ada", "family": "Brandt", "sequence": "first", "affiliation": []},
                 {"name": "The Tide Group", "sequence": "additional"}, "?",
             ],
             "container-title": ["Sea &amp; Letters", "Sea Lett."],
             "title": ["Tides &amp; moon"], "published": {"date-parts": [[2021, 5]]},
             "abstract": "<jats:title>Abstract</jats:title><jats:p>Tides &lt;rise&gt;.</jats:p>"},
            {"DOI": "10.1000/sea.10", "title": [], "author": 5, "container-title": 5,
             "published": {"date-parts": [[None]]}},
        ]
    },
}  # fmt: skip
ARTICLES = {
    "batchcomplete": True,
    "query": {
        "pages": [
            {"pageid": 5, "index": 2, "title": "Moon", "fullurl": "https://fr.wiki.example/Moon"},
            {"pageid": 9, "index": 1, "title": "Marée", "extract": "Les marées montent.",
             "fullurl": "https://fr.wiki.example/Mar%C3%A9e",
             "revisions": [{"timestamp": "2024-05-06T07:08:09Z"}]},
        ]
    },
}  # fmt: skip
INSTANT = {
    "Heading": "Tide", "AbstractText": "Tides rise.", "AbstractURL": "https://wiki.example/Tide",
    "Results": [{"FirstURL": "https://tide.example/", "Text": "Official site"}],
    "RelatedTopics": [
        {"FirstURL": "https://duckduckgo.com/Tidal_power", "Text": "Tidal power - Power of tides."},
        {"Name": "See also", "Topics": [
            {"FirstURL": "https://duckduckgo.com/Moon", "Text": "Moon - It pulls."}]},
    ],
}  # fmt: skip


@pytest.fixture
def ask(registry, make_clients):
    """Asks a provider at a small server; the reply, and what the server was asked."""

    async def searched(name, *answers, request=REQUEST, key=KEY, place="", **options):
        left = list(answers)

        async def handler(incoming):
            return await answering(left.pop(0) if len(left) > 1 else left[0])(incoming)

        async with serving(handler) as server:
            at = Endpoint(provider=name, base_url=server.base + place, api_key=key, options=options)
            reply = await registry.search(at, make_clients()).search(request)
        return reply, server.asked

    return searched


async def test_arxiv_is_asked_for_any_of_the_words_in_the_order_they_fit(ask):
    reply, [asked] = await ask("arxiv", FEED.encode())

    assert asked.path == "/query"
    assert dict(asked.query) == {
        "search_query": "(all:tidal OR all:and OR all:power) AND "
        "submittedDate:[202002010000 TO 202412312359]",
        "start": "0", "max_results": "3", "sortBy": "relevance", "sortOrder": "descending",
    }  # fmt: skip
    first, second = reply.value.results
    assert (first.title, first.url) == ("Tides and <power>", "https://arxiv.org/abs/2101.00001v2")
    assert (first.published, first.doi) == ("2021-01-02", "10.1000/sea.7")
    assert first.text == first.snippet == "Tides rise and fall."
    assert (first.authors, first.site) == (("Ada Brandt", "Hugo Grieg"), "arXiv")
    assert (second.url, second.text) == ("https://arxiv.org/abs/math/0211159v1", "")


@pytest.mark.parametrize(
    ("since", "until", "dates"),
    [("2020-02-01", "", "[202002010000 TO 999912312359]"),
     ("", "2020-02-01", "[199101010000 TO 202002012359]")],
)  # fmt: skip
async def test_arxiv_knows_open_ranges(ask, since, until, dates):
    request = SearchRequest(query="tides", since=since, until=until)

    _, [asked] = await ask("arxiv", FEED.encode(), request=request)

    assert asked.query["search_query"] == f"(all:tides) AND submittedDate:{dates}"


async def test_an_error_of_arxiv_is_no_paper(ask):
    feed = FEED.replace("http://arxiv.org/abs/2101.00001v2", "https://arxiv.org/api/errors#x")

    with pytest.raises(BadRequest):
        await ask("arxiv", feed.encode())


@pytest.mark.parametrize(
    ("name", "base", "key", "pace"),
    [("arxiv", arxiv.BASE, "", arxiv.PACE),
     ("pubmed", pubmed.BASE, "", Allowance(dimension=Dimension.REQUESTS, limit=1, window_s=1)),
     ("pubmed", pubmed.BASE, KEY, Allowance(dimension=Dimension.REQUESTS, limit=5, window_s=1))],
)  # fmt: skip
def test_the_pace_of_a_service_holds_at_its_own_address(
    registry, make_clients, name, base, key, pace
):
    def made(address):
        at = Endpoint(provider=name, base_url=address, api_key=key)
        return registry.search(at, make_clients())

    assert made(base)._pace == (pace,)
    assert made("http://127.0.0.1:9")._pace == ()


async def test_pubmed_is_asked_for_numbers_and_then_for_papers(ask):
    reply, [numbers, papers] = await ask("pubmed", FOUND, PAPERS.encode(), contact="a@b.example")

    assert numbers.path == "/esearch.fcgi"
    assert dict(numbers.query) == {
        "db": "pubmed", "tool": "wiseflow", "email": "a@b.example", "api_key": KEY,
        "term": "(Tidal AND power) AND fre[la]", "retmode": "json", "retmax": "3",
        "sort": "relevance",
        "datetype": "pdat", "mindate": "2020/02/01", "maxdate": "2024/12/31",
    }  # fmt: skip
    assert papers.path == "/efetch.fcgi"
    assert (papers.query["id"], papers.query["retmode"]) == ("22,11", "xml")
    first, second = reply.value.results
    assert (first.title, first.url) == ("Tides and health", "https://pubmed.ncbi.nlm.nih.gov/22/")
    assert first.text == "Aim: To look.\n\nTides rise."
    assert (first.published, first.doi) == ("2021-03-01", "10.1000/sea.8")
    assert (first.authors, first.site) == (("Ada B Brandt", "The Tide Group"), "Sea and health")
    assert (second.authors, second.site) == ((), "")
    assert (second.title, second.published, second.text) == ("Moon", "2019-01-01", "")


async def test_pubmed_without_papers_is_asked_once(ask):
    reply, asked = await ask("pubmed", b'{"esearchresult": {"idlist": []}}')

    assert reply.value.results == ()
    assert len(asked) == 1


async def test_pubmed_is_asked_without_a_language_that_it_has_no_code_for(ask):
    request = SearchRequest(query="tides", language="xx", since="2020-01-01")

    _, [asked] = await ask("pubmed", b'{"esearchresult": {"idlist": []}}', request=request, key="")

    assert asked.query["term"] == "tides"
    assert asked.query["maxdate"] == "3000/12/31"
    assert "api_key" not in asked.query


async def test_a_wrong_key_of_ncbi_comes_with_400(registry, make_clients):
    wrong = {"error": "API key invalid", "api-key": KEY}
    async with serving(answering(wrong, status=400)) as server:
        asked = registry.search(endpoint(server.base, provider="pubmed"), make_clients())
        with pytest.raises(AuthFailed, match="PUBMED_API_KEY") as caught:
            await asked.search(REQUEST)

    assert KEY not in str(caught.value)


async def test_openalex_is_asked_as_its_reference_says(ask):
    reply, [asked] = await ask("openalex", WORKS, contact="a@b.example")

    assert asked.path == "/works"
    assert {name: asked.query[name] for name in ("search", "per_page", "mailto", "api_key")} == {
        "search": "Tidal AND power", "per_page": "3", "mailto": "a@b.example", "api_key": KEY,
    }  # fmt: skip
    assert asked.query["filter"] == (
        "is_retracted:false,from_publication_date:2020-02-01,to_publication_date:2024-12-31,"
        "language:fr"
    )
    first, second = reply.value.results
    assert (first.url, first.doi) == ("https://sea.example/9", "10.1000/sea.9")
    assert (first.text, first.published) == ("Tides rise and so rise", "2021-05-06")
    assert "authorships" in asked.query["select"].split(",")
    assert (first.authors, first.site) == (("Ada Brandt",), "Sea Letters")
    assert (second.authors, second.site) == ((), "")
    assert (second.url, second.title) == ("https://openalex.org/W2", "https://openalex.org/W2")


async def test_crossref_is_asked_for_works_with_an_abstract(ask):
    reply, [asked] = await ask("crossref", ITEMS, contact="a@b.example")

    assert asked.path == "/works"
    assert asked.headers["Crossref-Plus-API-Token"] == f"Bearer {KEY}"
    assert dict(asked.query) == {
        "query": "Tidal AND power", "rows": "3", "mailto": "a@b.example",
        "select": "DOI,URL,title,abstract,published,score,author,container-title",
        "filter": "has-abstract:true,from-pub-date:2020-02-01,until-pub-date:2024-12-31",
    }  # fmt: skip
    first, second = reply.value.results
    assert (first.title, first.text) == ("Tides & moon", "Tides <rise>.")
    assert (first.published, first.doi) == ("2021-05-01", "10.1000/sea.9")
    assert (first.authors, first.site) == (("Ada Brandt", "The Tide Group"), "Sea & Letters")
    assert (second.authors, second.site) == ((), "")
    assert (second.url, second.published) == ("https://doi.org/10.1000/sea.10", "")


async def test_wikipedia_is_asked_in_its_language_and_told_who_asks(ask):
    reply, [asked] = await ask("wikipedia", ARTICLES, place="/{language}/w", contact="a@b.example")

    assert asked.path == "/fr/w/api.php"
    assert asked.headers["User-Agent"].endswith("(mailto:a@b.example)")
    assert asked.query["gsrsearch"] == "Tidal AND power"
    assert asked.query["gsrlimit"] == "20"  # those of other days are left out afterwards
    first, second = reply.value.results
    assert (first.title, first.snippet, first.published) == (
        "Marée",
        "Les marées montent.",
        "2024-05-06",
    )
    assert (second.title, second.published) == ("Moon", "")


@pytest.mark.parametrize("language", ["", "english", "../x", "e"])
async def test_wikipedia_is_asked_in_english_where_no_language_is_told(ask, language):
    request = SearchRequest(query="x" * 400, language=language)

    _, [asked] = await ask("wikipedia", ARTICLES, request=request, place="/{language}")

    assert asked.path == "/en/api.php"
    assert len(asked.query["gsrsearch"]) == 300


@pytest.mark.parametrize(("code", "kind"), [("ratelimited", RateLimited), ("badvalue", BadRequest)])
async def test_an_error_that_wikipedia_tells_with_a_success_is_one(ask, code, kind):
    with pytest.raises(kind):
        await ask("wikipedia", {"error": {"code": code, "info": KEY}})


async def test_duckduckgo_gives_what_it_knows_of_a_subject(ask):
    reply, [asked] = await ask(
        "duckduckgo", INSTANT, request=SearchRequest(query="!g tides", limit=9)
    )

    assert asked.path == "/"
    assert dict(asked.query) == {
        "q": "g tides", "format": "json", "no_html": "1", "no_redirect": "1",
        "skip_disambig": "1", "t": "wiseflow",
    }  # fmt: skip
    assert [(one.title, one.url, one.text) for one in reply.value.results] == [
        ("Tide", "https://wiki.example/Tide", ""),
        ("Official site", "https://tide.example/", ""),
        ("Tidal power", "https://duckduckgo.com/Tidal_power", "Tidal power - Power of tides."),
        ("Moon", "https://duckduckgo.com/Moon", "Moon - It pulls."),
    ]


AT = Endpoint(provider="arxiv", base_url="https://a.b")
BOMB = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;&b;</a>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BOMB, "declares entities"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "declares entities"),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/">%x;]><a/>', "declares entities"),
        (b"<a>" * (DEEPEST + 1), "nests deeper"),
        (b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>", "more than"),
        (b"<a>&nbsp;</a>", "no whole XML"),
        (b"<a><b></a>", "no whole XML"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "no whole XML"),
        (b"", "empty body"),
    ],
)
def test_xml_that_could_do_harm_is_not_read(body, why):
    with pytest.raises(MalformedOutput, match=why):
        read_xml(AT, body)


def test_xml_is_read_whatever_its_namespaces():
    root = read_xml(AT, '<n:a xmlns:n="urn:x" y="1">é<n:b>one<c>two</c></n:b></n:a>'.encode())

    assert text(child(root, "b")) == "onetwo"
    assert child(root, "b", "none", "c") is None
    assert root.get("y") == "1"


@given(st.binary(max_size=60) | st.text("<>/a&;![]-?'\" ", max_size=40).map(str.encode))
def test_whatever_is_sent_is_xml_or_one_error(body):
    with contextlib.suppress(MalformedOutput):
        assert read_xml(AT, body) is not None


@pytest.mark.parametrize(
    ("value", "found"),
    [("https://doi.org/10.1000/ABC.1", "10.1000/abc.1"), ("doi:10.5555/x(1)2.", "10.5555/x(1)2"),
     ("10.1/x", ""), ("none", ""), (None, ""), (7, "")],
)  # fmt: skip
def test_a_doi_is_found_without_its_resolver(value, found):
    assert doi(value) == found


@pytest.mark.parametrize(
    ("parts", "found"),
    [((2021,), "2021-01-01"), ((2021, 5), "2021-05-01"), ((2021, 5, 6), "2021-05-06"),
     ((2021, 13), ""), ((None,), ""), ((), ""), ((2021, "5"), ""), ((0, 1, 1), ""),
     ((10**20,), "")],
)  # fmt: skip
def test_a_date_in_parts_is_the_first_day_it_can_be(parts, found):
    assert first_day(*parts) == found


def test_crossrefs_limit_is_in_the_interval_it_tells():
    headers = {"X-Rate-Limit-Limit": "3", "X-Rate-Limit-Interval": "1s"}

    assert allowances(headers, 0.0) == (
        Allowance(dimension=Dimension.REQUESTS, limit=3, window_s=1.0),
    )
